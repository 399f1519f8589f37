"""Readings of one recorded computation: one file each."""
