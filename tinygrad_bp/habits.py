"""What to write here for a name that people know from PyTorch or NumPy and that is not here.

One table for all places where such a name is looked up: Tensors, their arrays, the package, and
its modules for training. Where an operation of the name exists, or a function of NumPy's, no row is
needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

AS_LAYER = "bp.nn.Sequential takes it as a layer."

#: Names, and the sentence that says what to write: t is a Tensor, w a leaf.
ROWS = (
    # ---- the value ----
    ("numpy", "Write t.data."),
    ("clone copy contiguous detach_copy view_copy alias_copy",
     "A value never changes, so use t itself; w.data.copy() is a copy of the array."),
    ("float double", "Write t.astype(np.float64), or np.float32."),
    ("type type_as", "Write t.astype(dtype)."),
    ("half bfloat16 chalf", "Floats are float64 or float32 here: write t.astype(np.float32)."),
    ("long int short byte char bool", "Write t.data.astype(dtype): integers carry no gradient."),
    ("dim ndimension", "Write t.ndim."),
    ("numel nelement", "Write t.size."),
    ("element_size itemsize", "Write t.dtype.itemsize."),
    ("nbytes base byteswap ctypes dump dumps flags flat getfield setfield setflags strides "
     "to_device tobytes tofile",
     "Ask the array for it: write t.data.nbytes and so on."),
    ("is_floating_point is_signed", "Write t.dtype.kind == 'f'."),
    ("is_nonzero", "Write bool(t)."),
    ("equal array_equal", "Write np.array_equal(a.data, b.data)."),
    ("allclose", "Write np.allclose(a.data, b.data)."),
    ("isclose", "Write np.isclose(a.data, b.data)."),
    ("is_same_size", "Write a.shape == b.shape."),
    ("as_tensor asarray array from_numpy frombuffer from_dlpack scalar_tensor FloatTensor "
     "DoubleTensor LongTensor new new_tensor asanyarray",
     "Write bp.tensor(data)."),
    ("is_tensor", "Write isinstance(t, bp.Tensor)."),
    ("new_zeros", "Write bp.zeros(shape)."),
    ("new_ones", "Write bp.ones(shape)."),
    ("new_full", "Write bp.full(shape, value)."),
    ("empty empty_like new_empty new_empty_strided", "Write bp.zeros(shape), or bp.zeros_like(t)."),
    ("rand_like", "Write bp.rand(*t.shape, rng=rng)."),
    ("normal standard_normal", "Write bp.randn(2, 3, rng=rng) * spread + mean."),
    ("uniform", "Write bp.rand(2, 3, rng=rng)."),
    ("randint randint_like randperm permutation shuffle choice bernoulli multinomial random "
     "poisson",
     "Draw from a generator, rng = np.random.default_rng(0), with its method rng.integers, "
     "rng.permutation, rng.random or rng.choice."),
    ("manual_seed seed initial_seed get_rng_state set_rng_state Generator default_rng",
     "Make a generator, rng = np.random.default_rng(0), and pass it on, as in bp.randn(2, 3, "
     "rng=rng)."),
    ("set_default_dtype get_default_dtype set_default_tensor_type",
     "Floats are float64, unless dtype= says float32."),
    ("float32 float64 int64 int32 uint8 bool_ inf nan pi newaxis e finfo iinfo",
     "Write it with NumPy's name, as np.float32 or np.pi."),
    # ---- devices and memory ----
    ("cpu cuda to xpu ipu mps hpu device get_device is_cuda is_cpu pin_memory is_pinned "
     "synchronize set_default_device get_default_device accelerator",
     "Arrays are in main memory here: leave it out. For another dtype, write t.astype(dtype)."),
    ("data_ptr const_data_ptr storage untyped_storage storage_offset storage_type stride "
     "is_contiguous share_memory_ is_shared record_stream set_ is_set_to memory_format "
     "contiguous_format dim_order output_nr module_load hash_tensor layout",
     "The memory belongs to the array t.data: ask NumPy about it."),
    ("as_subclass as_strided as_strided_scatter as_strided_copy",
     "There is no such view of a Tensor. Write t[...] or t.reshape(...)."),
    ("sparse_coo_tensor to_sparse to_sparse_coo to_sparse_csr to_sparse_csc to_sparse_bsr "
     "to_sparse_bsc to_dense to_mkldnn to_padded_tensor is_sparse is_sparse_csr is_mkldnn "
     "is_nested is_coalesced coalesce indices values col_indices ccol_indices crow_indices "
     "row_indices dense_dim sparse_dim sparse_mask sparse_resize_ sparse_resize_and_clear_ "
     "resize_as_sparse_ smm sspaddmm nonzero_static",
     "Arrays are dense here."),
    ("quantize_per_tensor quantized quantizable qat intrinsic dequantize int_repr is_quantized "
     "q_scale q_zero_point qscheme q_per_channel_axis q_per_channel_scales "
     "q_per_channel_zero_points",
     "Numbers are float64 or float32 here, never quantized."),
    ("is_distributed is_inference is_maia is_meta is_mps is_mtia is_vulkan is_xla is_xpu is_ipu "
     "mtia slice_inverse",
     "Arrays are NumPy's here, in main memory."),
    ("complex is_complex isreal imag real conj conj_physical resolve_conj resolve_neg is_conj "
     "is_neg angle cdouble cfloat view_as_real view_as_complex polar stft istft H mH adjoint",
     "Numbers are real here. Keep the real and the imaginary part as two tensors; for a "
     "transpose, write t.mT."),
    ("names rename refine_names align_to align_as",
     "A Tensor has one name: t.name, set by bp.tensor(data, name=...) or t.named(...)."),
    # ---- gradients ----
    ("is_leaf", "Write t.primitive is None."),
    ("grad_fn",
     "Write t.primitive for the operation, and t.inputs for its inputs; bp.draw(t) shows the "
     "graph."),
    ("retain_grad retains_grad register_hook register_post_accumulate_grad_hook reinforce",
     "Write bp.grad(loss, t) for the gradient of any tensor."),
    ("requires_grad_", "Write w.requires_grad = True."),
    ("zero_", "Write w.zero_grad() for a gradient, and w.data = np.zeros(w.shape) for a value."),
    ("detach_", "Write t.detach(), which returns a constant."),
    ("copy_ fill_ uniform_ normal_ random_ exponential_ geometric_ cauchy_ log_normal_ "
     "kaiming_normal_ kaiming_uniform_ xavier_uniform_ xavier_normal_ trunc_normal_ bernoulli_",
     "Write w.data = array: the leaf takes a new value, and earlier records keep the old one."),
    ("enable_grad inference_mode set_grad_enabled is_grad_enabled",
     "Recording is on, except in a block or a function under bp.no_grad()."),
    ("autograd", "Write bp.grad(output, inputs), loss.backward(), or bp.value_and_grad(f)."),
    ("elementwise_grad egrad", "Write bp.grad(output.sum(), x)."),
    ("grad_and_value", "Write bp.value_and_grad(f)."),
    ("make_vjp", "Write bp.vjp(f, x)."),
    ("make_jvp", "Write bp.jvp(f, x, v)."),
    ("hessian_vector_product", "Write bp.hvp(f, x, v)."),
    ("jacfwd jacrev", "Write bp.jacobian(f)."),
    ("set_detect_anomaly set_anomaly_enabled", "Write with bp.detect_anomaly(): ..."),
    ("vmap pmap", "Write the function for a whole batch: operations broadcast."),
    ("jit fx export", "Write bp.compile(f)."),
    ("checkpoint", "There is no recomputing: the record is kept until the loss is freed."),
    ("apply_ map_ map2_ apply_along_axis vectorize",
     "Write an operation of your own with bp.primitive."),
    ("volatile", "Write with bp.no_grad(): ..."),
    ("grad_dtype", "A gradient has the dtype of its tensor."),
    # ---- operators ----
    ("sub mul div true_divide pow", "Write a - b, a * b, a / b or a ** b."),
    ("rsub rdiv", "Write b - a, or b / a."),
    ("mm bmm mv dsmm hsmm chain_matmul multi_dot", "Write a @ b."),
    ("ger", "Write bp.outer(a, b)."),
    ("addmm addmv baddbmm addbmm addr", "Write c + a @ b."),
    ("addcmul addcdiv", "Write t + value * a * b, or t + value * a / b."),
    ("lerp", "Write a + weight * (b - a)."),
    ("float_power", "Write a ** b."),
    ("divmod", "Write t // n and t % n."),
    ("eq ne lt le gt ge less less_equal greater greater_equal not_equal",
     "Write a == b, a < b and so on: an array of booleans."),
    ("logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor "
     "bitwise_not bitwise_left_shift bitwise_right_shift",
     "Write a & b, or | and ~, for the arrays of booleans that comparisons give."),
    # ---- shapes ----
    ("view view_as reshape_as resize resize_ resize_as resize_as_", "Write t.reshape(2, 3)."),
    ("unsqueeze", "Write bp.expand_dims(t, axis)."),
    ("permute movedim swapdims",
     "Write t.transpose(1, 0, 2), with the axes in their new order; or bp.moveaxis, bp.swapaxes."),
    ("t", "Write t.T."),
    ("expand expand_as", "Write bp.broadcast_to(t, shape)."),
    ("repeat_interleave", "Write bp.repeat(t, repeats, axis=0)."),
    ("cat concat", "Write bp.concatenate([a, b], axis=0)."),
    ("row_stack block",
     "Write bp.concatenate([a, b], axis=0), or bp.stack."),
    ("chunk tensor_split split_with_sizes unsafe_chunk "
     "unsafe_split unsafe_split_with_sizes",
     "Write bp.split(t, parts, axis=0)."),
    ("unbind", "Write list(t), or t[i]."),
    ("unflatten", "Write t.reshape(...)."),
    ("narrow narrow_copy select slice_copy select_copy", "Write t[1:3]."),
    ("index_select index_copy compress", "Write t[indices]."),
    ("masked_select extract", "Write t[mask]."),
    ("gather take_along_dim", "Write bp.take_along_axis(t, indices, axis)."),
    ("masked_fill", "Write bp.where(mask, value, t)."),
    ("masked_scatter scatter scatter_add scatter_reduce index_add index_put index_fill "
     "index_reduce index select_scatter slice_scatter diagonal_scatter put put_along_axis place "
     "putmask fill_diagonal_",
     "A recorded value never changes. Write bp.where(mask, a, t), or bp.concatenate."),
    ("rot90", "Write bp.flip(t.T, 0)."),
    ("diagflat diag_embed",
     "Write bp.diag(v), or v[..., None] * np.eye(v.shape[-1]) for many."),
    ("unfold im2col fold", "Write bp.conv2d, or np.lib.stride_tricks on t.data."),
    ("meshgrid cartesian_prod combinations",
     "Write np.meshgrid on arrays, before they become Tensors."),
    # ---- functions ----
    ("acos", "Write bp.arccos(t)."),
    ("asin", "Write bp.arcsin(t)."),
    ("atan", "Write bp.arctan(t)."),
    ("acosh asinh atanh atan2", "Write it with NumPy's name, which begins with arc."),
    ("rsqrt", "Write 1 / bp.sqrt(t)."),
    ("logit", "Write bp.log(t) - bp.log(1 - t)."),
    ("xlogy", "Write a * bp.log(b)."),
    ("clamp clamp_min clamp_max", "Write t.clip(min, max)."),
    ("fmax fmin", "Write bp.maximum(a, b), or bp.minimum."),
    ("sgn", "Write bp.sign(t)."),
    ("fix frac",
     "Write bp.trunc(t), and t - bp.trunc(t) for the fraction."),
    ("softmin", "Write bp.softmax(-t)."),
    ("relu6", "Write bp.clip(t, 0, 6)."),
    ("hardtanh", "Write bp.clip(t, -1, 1)."),
    ("logsigmoid", "Write bp.log_sigmoid(t)."),
    ("swish", "Write bp.silu(t)."),
    ("mish", "Write t * bp.tanh(bp.softplus(t))."),
    ("hardsigmoid", "Write bp.clip(t / 6 + 0.5, 0, 1)."),
    ("hardswish", "Write t * bp.clip(t / 6 + 0.5, 0, 1)."),
    ("softsign", "Write t / (1 + abs(t))."),
    ("tanhshrink", "Write t - bp.tanh(t)."),
    ("glu", "Write a * bp.sigmoid(b), where a, b = bp.split(t, 2, axis=-1)."),
    ("prelu rrelu", "Write bp.where(t > 0, t, slope * t)."),
    ("hardshrink softshrink threshold", "Write bp.where(mask, t, value)."),
    ("selu", "Write 1.0507009873554805 * bp.elu(t, alpha=1.6732632423543772)."),
    ("celu", "Write alpha * bp.elu(t / alpha)."),
    ("gumbel_softmax", "Write bp.softmax(t - bp.log(-bp.log(bp.rand(*t.shape, rng=rng))))."),
    ("amax amin", "Write t.max(axis=0), or t.min."),
    ("aminmax", "Write t.min() and t.max()."),
    ("var_mean std_mean", "Write t.var(axis=0) and t.mean(axis=0)."),
    ("nansum nanmean nanmedian nanquantile",
     "Write bp.where(np.isnan(t), 0.0, t) first."),
    ("median quantile mode kthvalue percentile",
     "Write t[i], where i is its position in np.argsort(t.data)."),
    ("msort", "Write bp.sort(t, axis=0)."),
    ("topk", "Write bp.take_along_axis(t, t.argsort(axis=-1)[..., -k:], axis=-1)."),
    ("unique bincount histogram histogramdd searchsorted digitize count_nonzero nonzero argwhere "
     "isin", "Write np.{}(t.data). It has no gradient."),
    ("unique_consecutive histc bucketize",
     "Write np.unique, np.histogram or np.digitize of t.data. It has no gradient."),
    ("cummax cummin logcumsumexp", "Write bp.exp(bp.cumsum(bp.log(t))) for the product."),
    ("dist pairwise_distance PairwiseDistance", "Write bp.norm(a - b, axis=-1)."),
    ("cdist pdist", "Write bp.norm(a[:, None] - b, axis=-1)."),
    ("renorm normalize", "Write t / bp.norm(t, axis=-1, keepdims=True)."),
    ("cosine_similarity CosineSimilarity",
     "Write (a * b).sum(axis=-1) / (bp.norm(a, axis=-1) * bp.norm(b, axis=-1))."),
    ("sum_to_size", "Write t.sum(axis=..., keepdims=True)."),
    ("cov corrcoef", "Write (d.T @ d) / (n - 1), where d = t - t.mean(axis=0)."),
    ("inverse pinverse logdet cholesky_inverse "
     "cholesky_solve qr eig eigvals symeig lu lu_solve lu_unpack triangular_solve "
     "geqrf orgqr ormqr matrix_exp matrix_power matrix_rank linalg",
     "Write it with bp.linalg.inv, solve and the others in bp.linalg; or give it a rule with "
     "bp.primitive."),
    ("fft", "There is no operation for it. Give it a rule with bp.primitive."),
    ("lgamma digamma polygamma mvlgamma erfinv igamma igammac i0 special ldexp frexp gcd lcm "
     "nextafter copysign heaviside isposinf isneginf cross",
     "There is no operation for it. Compute it with NumPy or SciPy from the value, t.data; or "
     "give it a rule with bp.primitive."),
    ("squared_difference", "Write bp.square(a - b)."),
    ("fill", "Write bp.full(shape, value)."),
    ("range", "Write bp.arange(start, stop)."),
    ("logspace geomspace", "Write bp.tensor(np.logspace(...))."),
    ("tril_indices triu_indices", "Write np.tril_indices(n)."),
    ("broadcast_tensors broadcast_arrays broadcast_shapes",
     "Operations broadcast by themselves; or write bp.broadcast_to(t, shape)."),
    # ---- layers and losses ----
    ("functional F",
     "Write bp.relu, bp.cross_entropy and so on: functions are in bp itself; losses and layers "
     "are in bp.nn too."),
    ("linear", "Write x @ W.T + b, or bp.nn.Linear."),
    ("bilinear Bilinear", "Write bp.einsum('ni,oij,nj->no', a, W, b)."),
    ("MSELoss", "A loss is a function: write bp.nn.mse_loss(y, target)."),
    ("L1Loss", "A loss is a function: write bp.nn.l1_loss(y, target)."),
    ("NLLLoss NLLLoss2d", "A loss is a function: write bp.nn.nll_loss(log_p, labels)."),
    ("gaussian_nll_loss GaussianNLLLoss poisson_nll_loss PoissonNLLLoss",
     "Write it out: (bp.exp(z) - y * z).mean() is the Poisson loss."),
    ("BCELoss BCEWithLogitsLoss",
     "A loss is a function: write bp.binary_cross_entropy_with_logits(z, y), with the scores "
     "before the sigmoid."),
    ("CrossEntropyLoss linear_cross_entropy LinearCrossEntropyLoss LinearCrossEntropyOptions",
     "A loss is a function: write bp.cross_entropy(z, labels), with the scores before the "
     "softmax."),
    ("smooth_l1_loss SmoothL1Loss HuberLoss", "A loss is a function: write bp.nn.huber_loss."),
    ("kl_div KLDivLoss", "Write (p * (bp.log(p) - log_q)).sum(axis=-1).mean()."),
    ("hinge_embedding_loss margin_ranking_loss multi_margin_loss multilabel_margin_loss "
     "multilabel_soft_margin_loss soft_margin_loss triplet_margin_loss "
     "triplet_margin_with_distance_loss ctc_loss MultiLabelMarginLoss MultiLabelSoftMarginLoss "
     "TripletMarginWithDistanceLoss HingeEmbeddingLoss MarginRankingLoss MultiMarginLoss "
     "SoftMarginLoss TripletMarginLoss CTCLoss",
     "Write it out: bp.relu(margin - y * t).mean() is a hinge, bp.softplus(-y * t).mean() is a "
     "soft hinge."),
    ("cosine_embedding_loss CosineEmbeddingLoss",
     "Write (1 - (a * b).sum(axis=-1) / (bp.norm(a, axis=-1) * bp.norm(b, axis=-1))).mean()."),
    ("one_hot", "Write bp.data.one_hot(labels)."),
    ("max_pool1d avg_pool1d lp_pool1d conv1d MaxPool1d AvgPool1d Conv1d LPPool1d",
     "Use two dimensions, one of length 1: bp.conv2d, bp.max_pool2d, bp.avg_pool2d."),
    ("adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d "
     "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d "
     "AdaptiveMaxPool3d adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices "
     "adaptive_max_pool3d_with_indices",
     "Write t.mean(axis=(2, 3), keepdims=True) for one number per channel, or bp.avg_pool2d."),
    ("conv3d max_pool3d avg_pool3d lp_pool2d lp_pool3d conv_tbc conv_transpose1d conv_transpose2d "
     "conv_transpose3d adaptive_avg_pool3d adaptive_max_pool3d fractional_max_pool2d "
     "fractional_max_pool3d max_unpool1d max_unpool2d max_unpool3d Conv3d ConvTranspose2d "
     "MaxPool3d AvgPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d LPPool2d LPPool3d ConvTranspose1d "
     "ConvTranspose3d FractionalMaxPool2d FractionalMaxPool3d Fold Unfold "
     "fractional_max_pool2d_with_indices fractional_max_pool3d_with_indices "
     "max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices convolution",
     "There is no such layer. There are bp.conv2d, bp.max_pool2d and bp.avg_pool2d; make a "
     "new operation with bp.primitive."),
    ("interpolate upsample upsample_bilinear upsample_nearest Upsample UpsamplingNearest2d "
     "UpsamplingBilinear2d",
     "Write bp.repeat(bp.repeat(t, 2, axis=2), 2, axis=3)."),
    ("pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle PixelShuffle "
     "PixelUnshuffle ChannelShuffle",
     "Write it with t.reshape(...) and t.transpose(...)."),
    ("grid_sample affine_grid", "There is no operation for it: index with t[i, j]."),
    ("layer_norm batch_norm local_response_norm LocalResponseNorm CrossMapLRN2d",
     "Write bp.nn.LayerNorm or bp.nn.BatchNorm."),
    ("rms_norm RMSNorm",
     "Write weight * t / bp.sqrt((t * t).mean(axis=-1, keepdims=True) + 1e-5)."),
    ("group_norm GroupNorm instance_norm InstanceNorm1d InstanceNorm2d InstanceNorm3d",
     "Write (g - g.mean(axis=-1, keepdims=True)) / g.std(axis=-1, keepdims=True), where "
     "g = t.reshape(len(t), groups, -1); then reshape it to t.shape."),
    ("BatchNorm3d SyncBatchNorm LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d",
     "Write bp.nn.BatchNorm."),
    ("dropout1d dropout2d dropout3d Dropout1d Dropout2d Dropout3d",
     "Write t * bp.dropout(np.ones((n, channels, 1, 1)), rate, rng=rng), for whole channels."),
    ("alpha_dropout feature_alpha_dropout AlphaDropout FeatureAlphaDropout",
     "Write bp.dropout(t, rate, rng=rng), or bp.nn.Dropout."),
    ("embedding_bag EmbeddingBag", "Write bp.embedding(indices, table).mean(axis=1)."),
    ("scaled_dot_product_attention multi_head_attention_forward MultiheadAttention Transformer "
     "TransformerEncoder TransformerDecoder TransformerEncoderLayer TransformerDecoderLayer "
     "grouped_mm scaled_mm scaled_grouped_mm",
     "Write bp.nn.MultiHeadAttention, or bp.softmax(q @ k.mT / np.sqrt(d)) @ v."),
    ("Parameter ParameterList ParameterDict Buffer",
     "A Tensor with requires_grad=True is a parameter: write bp.tensor(data, "
     "requires_grad=True)."),
    ("ModuleList ModuleDict", "Write a list or a dict of modules: their parameters are found."),
    ("Identity", f"Write lambda t: t. {AS_LAYER}"),
    ("Softmax2d", "Write bp.nn.Softmax(axis=1)."),
    ("Unflatten", f"Write lambda t: t.reshape(len(t), ...). {AS_LAYER}"),
    ("ZeroPad1d ZeroPad2d ZeroPad3d ConstantPad1d ConstantPad2d ConstantPad3d CircularPad1d "
     "CircularPad2d CircularPad3d ReflectionPad1d ReflectionPad2d ReflectionPad3d "
     "ReplicationPad1d ReplicationPad2d ReplicationPad3d",
     f"Write lambda t: bp.pad(t, [(0, 0), (0, 0), (1, 1), (1, 1)], mode=...). {AS_LAYER}"),
    ("RNN LSTM GRU RNNBase RNNCellBase rnn_relu rnn_tanh lstm gru lstm_cell gru_cell "
     "rnn_relu_cell rnn_tanh_cell",
     "Write bp.nn.LSTMCell(...).over_time(xs), or RNNCell or GRUCell."),
    ("LazyLinear LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d "
     "LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d "
     "UninitializedBuffer UninitializedParameter",
     "Say how many inputs the layer has."),
    ("utils", "Write bp.optim.clip_grad_norm(parameters, max_norm), or bp.data.batches."),
    ("clip_grad_norm_ clip_grad_value_",
     "Write bp.optim.clip_grad_norm(parameters, max_norm), or clip_grad_value."),
    ("param_groups add_param_group",
     "Write optimizer.lr, and optimizer.parameters. For a second rate, make a second optimiser."),
    ("CyclicLR SequentialLR ChainedScheduler ConstantLR PolynomialLR MultiplicativeLR "
     "CosineAnnealingWarmRestarts",
     "Write bp.optim.LambdaLR(optimizer, factor), where factor is any function of the epoch."),
    ("get_lr", "Write schedule.get_last_lr(), or optimizer.lr."),
    ("register_buffer", "Assign to an attribute: self.mean = bp.tensor(array)."),
    ("func", "Write bp.value_and_grad, bp.jacobian, bp.hessian, bp.jvp or bp.vjp."),
    ("mnist MNIST fashion_mnist FashionMNIST cifar10 CIFAR10 CIFAR100 load_digits load_iris "
     "make_moons fetch_openml",
     "Write bp.datasets.digits(), or spirals(400, rng); load other data as arrays."),
    ("ASGD Adadelta Adafactor Adagrad Adamax LBFGS Muon NAdam RAdam Rprop SparseAdam swa_utils",
     "There are bp.optim.SGD, RMSProp, Adam and AdamW; each is a formula of a few lines."),
    ("DataLoader Dataset TensorDataset random_split",
     "Write bp.data.batches(x, y, size=32, rng=rng), and bp.data.split."),
    ("swap_in_optimizer_params_and_state", "Write optimizer.load_state_dict(state)."),
    ("DataParallel distributed multiprocessing parallel", "Everything runs in one process here."),
    ("amp autocast GradScaler", "Floats are float64 or float32 here, chosen by the data."),
    ("backends set_num_threads get_num_threads use_deterministic_algorithms "
     "set_float32_matmul_precision",
     "NumPy does the arithmetic: set OPENBLAS_NUM_THREADS."),
    ("set_printoptions get_printoptions", "Write np.set_printoptions(...)."),
    ("savez", "Write bp.save(state, path)."),
    ("summary", "Write print(model)."),
    ("SummaryWriter", "Write bp.draw(loss) for the graph, and keep numbers in a list."),
)  # fmt: skip


def by_name(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: what.replace("{}", name) for names, what in rows for name in names.split()}


#: Each name, and what to write.
INSTEAD = by_name(ROWS)


def missing(
    place: str, name: str, known: Iterable[str] = (), operations: Mapping[str, Any] | None = None
) -> AttributeError:
    """Return the error for a name that a place lacks: what to write, or a name that is close.

    Parameters
    ----------
    place
        What was asked for the name, as "a Tensor".
    name
        The name.
    known
        The names that the place has.
    operations
        The table of operations, which are functions of the package, such as ``bp.outer(a, b)``.

    Examples
    --------
    >>> print(missing("a Tensor", "view"))
    a Tensor has no 'view'. Write t.reshape(2, 3).
    >>> print(missing("bp.optim", "Adan", known=["Adam", "SGD"]))
    bp.optim has no 'Adan'. Did you mean 'Adam'?
    """
    text = f"{place} has no {name!r}."
    if not name.startswith("_"):
        text = f"{text} {advice(name, list(known), operations or {})}".rstrip()
    return AttributeError(text, name=name)


def advice(name: str, known: list[str], operations: Mapping[str, Any]) -> str:
    if name in INSTEAD:
        return INSTEAD[name]
    if name.lower() in INSTEAD:  # a layer, of a function
        return f"{INSTEAD[name.lower()]} {AS_LAYER.replace('it', 'a function')}"
    if of_linalg(name):
        return f"Write np.linalg.{name}(t): it records, or says what to write instead."
    if name in operations:
        operands = getattr(operations[name], "operand_names", ()) or ("t", "...")
        return f"Write bp.{name}({', '.join(operands)})."
    stem = name.removesuffix("_")
    if stem != name and (stem in INSTEAD or stem in known or stem in operations or of_numpy(stem)):
        return "A recorded value never changes. Write t = ..., and for a leaf w.data = ..."
    if of_numpy(name):
        return (
            f"If no gradient is needed, write np.{name}(t.data); to add an operation, see "
            "bp.primitive."
        )
    return close_to(name, known)


def of_linalg(name: str) -> bool:
    return callable(getattr(np.linalg, name, None)) and not hasattr(np, name)


def close_to(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, [n for n in known if not n.startswith("_")], 1, 0.75)
    return f"Did you mean {close[0]!r}?" if close else ""


def names() -> list[str]:
    """Return the names that there is something to say about, and those of their in-place forms."""
    known = [*INSTEAD, *filter(of_numpy, dir(np)), *filter(of_linalg, dir(np.linalg))]
    return [*known, *(f"{name}_" for name in known if not name.endswith("_"))]


def of_numpy(name: str) -> bool:
    found = vars(np).get(name)
    return name[0] != "_" and callable(found) and not isinstance(found, type)
