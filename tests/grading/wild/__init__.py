"""Submissions as people write them: own networks and layers, in many habits, right and wrong."""
