"""The names and arguments that people know from elsewhere and that are not here: what to write.

One table for all places where such a name is looked up: Tensors, their arrays, the package, its
modules for training, and the arguments of all that is called. Where an operation of the name
exists, or a function of NumPy's, no row is needed. `habits` looks names up.
"""

AS_LAYER = "bp.nn.Sequential takes it as a layer."

#: Names, and the sentence that says what to write: t is a Tensor, w a leaf. An argument ends in =.
ROWS = (
    # ---- the value ----
    ("numpy", "Write t.data."),
    ("clone copy contiguous",
     "A value never changes, so use t itself; w.data.copy() is a copy of the array."),
    ("float double", "Write t.astype(np.float64), or np.float32."),
    ("type type_as", "Write t.astype(dtype)."),
    ("half bfloat16", "Floats are float64 or float32 here: write t.astype(np.float32)."),
    ("cdouble cfloat chalf int_repr grad_dtype", "Numbers are float64 or float32 here."),
    ("long int short byte char bool", "Write t.data.astype(dtype): integers carry no gradient."),
    ("dim ndimension", "Write t.ndim."),
    ("numel nelement", "Write t.size."),
    ("element_size itemsize", "Write t.dtype.itemsize."),
    ("is_floating_point is_signed", "Write t.dtype.kind == 'f'."),
    ("is_nonzero", "Write bool(t)."),
    ("is_same_size", "Write a.shape == b.shape."),
    ("equal array_equal", "Write np.array_equal(a.data, b.data)."),
    ("allclose", "Write np.allclose(a.data, b.data)."),
    ("isclose", "Write np.isclose(a.data, b.data)."),
    ("as_tensor asarray array from_numpy frombuffer from_dlpack scalar_tensor FloatTensor "
     "DoubleTensor LongTensor new new_tensor asanyarray",
     "Write bp.tensor(data)."),
    ("is_tensor", "Write isinstance(t, bp.Tensor)."),
    ("empty empty_like new_empty new_empty_strided new_zeros new_ones new_full",
     "Write bp.zeros(shape), bp.ones(shape) or bp.full(shape, value)."),
    ("normal standard_normal uniform rand_like", "Write bp.randn(2, 3, rng=rng), or bp.rand."),
    ("randint randperm permutation shuffle choice bernoulli multinomial random poisson",
     "Draw from a generator, rng = np.random.default_rng(0), with its method rng.integers, "
     "rng.permutation, rng.random or rng.choice."),
    ("manual_seed seed initial_seed get_rng_state set_rng_state Generator default_rng",
     "Make a generator, rng = np.random.default_rng(0), and pass it on, as in bp.randn(2, 3, "
     "rng=rng)."),
    ("set_default_dtype get_default_dtype", "Floats are float64, unless dtype= says float32."),
    ("float32 float64 int64 int32 uint uint8 bool_ inf nan pi newaxis e finfo iinfo",
     "Write it with NumPy's name, as np.float32 or np.pi."),
    # ---- devices and memory ----
    ("cpu cuda to mps xpu ipu mtia device get_device is_cpu is_cuda is_ipu is_maia is_meta is_mps "
     "is_mtia is_vulkan is_xla is_xpu is_mkldnn to_mkldnn pin_memory is_pinned record_stream "
     "synchronize set_default_device accelerator",
     "Arrays are in main memory here: leave it out. For another dtype, write t.astype(dtype)."),
    ("data_ptr const_data_ptr storage untyped_storage storage_offset storage_type stride "
     "is_contiguous dim_order layout memory_format is_set_to is_shared share_memory_ set_",
     "The memory belongs to the array t.data: ask NumPy about it."),
    ("as_strided", "There is no such view of a Tensor. Write t[...] or t.reshape(...)."),
    ("sparse_coo_tensor to_sparse to_sparse_bsc to_sparse_bsr to_sparse_coo to_sparse_csc "
     "to_sparse_csr to_dense is_sparse is_sparse_csr sparse_dim dense_dim sparse_mask "
     "sparse_resize_ sparse_resize_and_clear_ resize_as_sparse_ is_coalesced coalesce indices "
     "values ccol_indices col_indices crow_indices row_indices smm sspaddmm",
     "Arrays are dense here."),
    ("is_nested to_padded_tensor", "An array has one shape: pad with bp.pad, or keep a list."),
    ("quantize_per_tensor dequantize is_quantized qscheme q_per_channel_axis q_per_channel_scales "
     "q_per_channel_zero_points q_scale q_zero_point",
     "Numbers are float64 or float32 here, never quantized."),
    ("complex is_complex imag real isreal conj is_conj is_neg conj_physical resolve_conj "
     "resolve_neg view_as_real view_as_complex polar H mH adjoint",
     "Numbers are real here. Keep the real and the imaginary part as two tensors; for a "
     "transpose, write t.mT."),
    # ---- gradients ----
    ("is_leaf", "Write t.primitive is None."),
    ("grad_fn",
     "Write t.primitive for the operation, and t.inputs for its inputs; bp.draw(t) shows the "
     "graph."),
    ("retain_grad retains_grad register_hook register_post_accumulate_grad_hook",
     "Write bp.grad(loss, t) for the gradient of any tensor."),
    ("requires_grad_", "Write w.requires_grad = True."),
    ("zero_", "Write w.zero_grad() for a gradient, and w.data = np.zeros(w.shape) for a value."),
    ("detach_", "Write t.detach(), which returns a constant."),
    ("copy_ fill_ uniform_ normal_ random_ exponential_ geometric_ cauchy_ log_normal_ "
     "kaiming_normal_ kaiming_uniform_ xavier_uniform_ xavier_normal_ trunc_normal_",
     "Write w.data = array: the leaf takes a new value, and earlier records keep the old one."),
    ("enable_grad inference_mode set_grad_enabled is_grad_enabled",
     "Recording is on, except in a block or a function under bp.no_grad()."),
    ("autograd", "Write bp.grad(output, inputs), loss.backward(), or bp.value_and_grad(f); for a "
     "rule of your own, bp.primitive."),
    ("Function custom_vjp custom_jvp defvjp", "Write an operation with bp.primitive."),
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
    # ---- operators ----
    ("sub mul div true_divide pow float_power rsub",
     "Write a - b, a * b, a / b or a ** b."),
    ("mm bmm mv chain_matmul multi_dot", "Write a @ b."),
    ("ger", "Write bp.outer(a, b)."),
    ("addmm addmv baddbmm addbmm addr", "Write c + a @ b."),
    ("addcmul addcdiv", "Write t + value * a * b, or t + value * a / b."),
    ("lerp", "Write a + weight * (b - a)."),
    ("eq ne lt le gt ge less less_equal greater greater_equal not_equal",
     "Write a == b, a < b and so on: an array of booleans."),
    ("logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor "
     "bitwise_not",
     "Write a & b, or | and ~, for the arrays of booleans that comparisons give."),
    # ---- shapes ----
    ("view view_as reshape_as resize resize_ resize_as resize_as_", "Write t.reshape(2, 3)."),
    ("unsqueeze", "Write bp.expand_dims(t, axis)."),
    ("permute movedim swapdims",
     "Write t.transpose(1, 0, 2), with the axes in their new order; or bp.moveaxis, bp.swapaxes."),
    ("t", "Write t.T."),
    ("expand expand_as", "Write bp.broadcast_to(t, shape)."),
    ("repeat_interleave",
     "Write bp.repeat(t, repeats, axis=0), or bp.repeat(t.ravel(), repeats, axis=0)."),
    ("cat concat", "Write bp.concatenate([a, b], axis=0)."),
    ("row_stack block",
     "Write bp.concatenate([a, b], axis=0), or bp.stack."),
    ("chunk tensor_split split_with_sizes unsafe_chunk unsafe_split unsafe_split_with_sizes",
     "Write bp.split(t, parts, axis=0)."),
    ("unbind", "Write list(t), or t[i]."),
    ("unflatten", "Write t.reshape(...)."),
    ("narrow narrow_copy select", "Write t[1:3]."),
    ("index_select compress", "Write t[indices]."),
    ("masked_select extract", "Write t[mask]."),
    ("gather take_along_dim", "Write bp.take_along_axis(t, indices, axis)."),
    ("masked_fill", "Write bp.where(mask, value, t)."),
    ("masked_scatter scatter scatter_add scatter_reduce select_scatter slice_scatter "
     "diagonal_scatter as_strided_scatter index_add index_copy index_put index_fill index_reduce "
     "put put_along_axis place putmask fill_diagonal_",
     "A recorded value never changes. Write bp.where(mask, a, t), or bp.concatenate."),
    ("rot90", "Write np.flip(np.swapaxes(t, 0, 1), 0)."),
    ("diagflat diag_embed",
     "Write bp.diag(v), or v[..., None] * np.eye(v.shape[-1]) for many."),
    ("unfold im2col fold", "Write bp.conv2d, or np.lib.stride_tricks on t.data."),
    ("meshgrid cartesian_prod combinations",
     "Write np.meshgrid on arrays, before they become Tensors."),
    # ---- functions ----
    ("acos asin atan acosh asinh atanh atan2",
     "Write it with NumPy's name, which begins with arc, such as bp.arccos(t)."),
    ("rsqrt", "Write 1 / bp.sqrt(t)."),
    ("logit", "Write bp.log(t) - bp.log(1 - t)."),
    ("xlogy", "Write a * bp.log(b)."),
    ("clamp clamp_min clamp_max", "Write t.clip(min, max)."),
    ("fmax fmin", "Write bp.maximum(a, b), or bp.minimum."),
    ("sgn", "Write bp.sign(t)."),
    ("fix", "Write bp.trunc(t)."),
    ("frac", "Write t - bp.trunc(t)."),
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
    ("quantile kthvalue percentile", "Write bp.sort(t, axis=-1)[..., k], where k is its rank."),
    ("msort", "Write bp.sort(t, axis=0)."),
    ("topk", "Write bp.flip(bp.sort(t), axis=-1)[..., :k]. Their indices are "
     "(-t.data).argsort()[..., :k]."),
    ("unique bincount histogram histogramdd searchsorted digitize count_nonzero nonzero argwhere "
     "isin isfinite isinf isneginf isposinf isnan signbit",
     "Write np.{}(t.data). It has no gradient."),
    ("unique_consecutive nonzero_static histc bucketize mode",
     "Write np.unique, np.nonzero, np.histogram or np.digitize of t.data. It has no gradient."),
    ("logcumsumexp", "Write bp.log(bp.cumsum(bp.exp(t), axis=0))."),
    ("cummax", "Write bp.stack([t[: i + 1].max(axis=0) for i in range(len(t))])."),
    ("cummin", "Write bp.stack([t[: i + 1].min(axis=0) for i in range(len(t))])."),
    ("dist", "Write bp.norm(a - b)."),
    ("pairwise_distance PairwiseDistance", "Write bp.norm(a - b, axis=-1)."),
    ("cdist", "Write bp.norm(a[:, None] - b, axis=-1)."),
    ("pdist", "Write bp.norm(t[i] - t[j], axis=-1), where i, j = np.triu_indices(len(t), 1)."),
    ("renorm normalize", "Write t / bp.norm(t, axis=-1, keepdims=True)."),
    ("cosine_similarity CosineSimilarity",
     "Write (a * b).sum(axis=-1) / (bp.norm(a, axis=-1) * bp.norm(b, axis=-1))."),
    ("sum_to_size", "Write t.sum(axis=..., keepdims=True)."),
    ("cov", "Write d @ d.T / (t.shape[1] - 1), where d = t - t.mean(axis=1, keepdims=True)."),
    ("corrcoef", "Write d @ d.T, where e = t - t.mean(axis=1, keepdims=True); "
     "d = e / bp.norm(e, axis=1, keepdims=True)."),
    ("logaddexp2", "Write bp.logaddexp(a * np.log(2.0), b * np.log(2.0)) / np.log(2.0)."),
    ("positive", "Write +t."),
    ("angle", "Write np.arctan2(y, x)."),
    ("cross", "Write np.roll(a, -1, -1) * np.roll(b, 1, -1) - np.roll(a, 1, -1) * "
     "np.roll(b, -1, -1)."),
    ("ptp", "Write np.max(t) - np.min(t)."),
    ("median", "Write np.mean(np.sort(np.ravel(t))[(t.size - 1) // 2 : t.size // 2 + 1])."),
    ("qr", "Write np.linalg.solve(r.mT, t.mT).mT for q, with r = np.linalg.cholesky(t.mT @ t).mT."),
    ("eig eigvals symeig", "Write np.linalg.eigh(t) of a symmetric matrix: others have complex "
     "eigenvalues."),
    ("norm frobenius_norm", "Write bp.norm(t) for the root of the sum of squares, "
     "bp.norm(t, axis=1) for that of each row, and bp.norm(t.ravel(), 1) for another order."),
    ("inverse pinverse logdet cholesky_inverse cholesky_solve lu lu_solve triangular_solve "
     "matrix_exp matrix_power matrix_rank",
     "Write it with bp.linalg.inv, solve and the others in bp.linalg; or give it a rule with "
     "bp.primitive."),
    ("fft stft istft lgamma mvlgamma igamma igammac digamma polygamma erfinv i0 special ldexp "
     "frexp gcd lcm nextafter copysign heaviside bitwise_left_shift bitwise_right_shift geqrf "
     "orgqr ormqr hash_tensor index",
     "There is no operation for it. Compute it with NumPy or SciPy from the value, t.data; or "
     "give it a rule with bp.primitive."),
    ("fill", "Write bp.full(shape, value)."),
    ("range", "Write bp.arange(start, stop)."),
    ("linspace", "Write a + (b - a) * np.linspace(0.0, 1.0, n)."),
    ("logspace geomspace", "Write bp.tensor(np.logspace(...))."),
    ("tril_indices triu_indices", "Write np.tril_indices(n)."),
    ("broadcast broadcast_tensors broadcast_arrays broadcast_shapes",
     "Operations broadcast by themselves; or write bp.broadcast_to(t, shape)."),
    # ---- layers and losses ----
    ("functional F",
     "Write bp.relu, bp.cross_entropy and so on: functions are in bp itself; losses and layers "
     "are in bp.nn too."),
    ("linear", "Write x @ W.T + b, or bp.nn.Linear."),
    ("bilinear", "Write bp.einsum('ni,oij,nj->no', a, W, b)."),
    ("MSELoss", "A loss is a function: write bp.nn.mse_loss(y, target)."),
    ("L1Loss", "A loss is a function: write bp.nn.l1_loss(y, target)."),
    ("NLLLoss", "A loss is a function: write bp.nn.nll_loss(log_p, labels)."),
    ("gaussian_nll_loss GaussianNLLLoss",
     "Write 0.5 * (bp.log(var) + (y - mu) ** 2 / var).mean()."),
    ("poisson_nll_loss PoissonNLLLoss", "Write (bp.exp(z) - y * z).mean()."),
    ("hinge_embedding_loss HingeEmbeddingLoss",
     "Write bp.where(y == 1, t, bp.relu(1.0 - t)).mean()."),
    ("BCELoss BCEWithLogitsLoss",
     "A loss is a function: write bp.binary_cross_entropy_with_logits(z, y), with the scores "
     "before the sigmoid."),
    ("CrossEntropyLoss linear_cross_entropy",
     "A loss is a function: write bp.cross_entropy(z, labels), with the scores before the "
     "softmax."),
    ("HuberLoss", "A loss is a function: write bp.nn.huber_loss(y, target)."),
    ("smooth_l1_loss SmoothL1Loss", "Write bp.nn.huber_loss(y, target, delta=beta) / beta."),
    ("kl_div KLDivLoss", "Write (p * (np.log(np.maximum(p, 1e-300)) - log_q)).mean(); in place of "
     "the mean, .sum() / len(p) is 'batchmean'."),
    ("cosine_embedding_loss CosineEmbeddingLoss", "Write (1 - c).mean(). For pairs labelled -1, "
     "write bp.relu(c - margin).mean(), where "
     "c = (a * b).sum(axis=-1) / (bp.norm(a, axis=-1) * bp.norm(b, axis=-1))."),
    ("one_hot", "Write bp.data.one_hot(labels, classes)."),
    ("grid_sample affine_grid", "There is no operation for it: index with t[i, j]."),
    ("rms_norm RMSNorm",
     "Write weight * t / bp.sqrt((t * t).mean(axis=-1, keepdims=True) + 1e-5)."),
    ("embedding_bag EmbeddingBag", "Write bp.embedding(indices, table).mean(axis=1)."),
    ("Parameter ParameterList ParameterDict Buffer",
     "A Tensor with requires_grad=True is a parameter: write bp.tensor(data, "
     "requires_grad=True)."),
    ("ModuleList ModuleDict", "Write a list or a dict of modules: their parameters are found."),
    ("Identity", f"Write lambda t: t. {AS_LAYER}"),
    ("Softmax2d", "Write bp.nn.Softmax(axis=1)."),
    ("Unflatten", f"Write lambda t: t.reshape(len(t), ...). {AS_LAYER}"),
    ("utils", "Write bp.optim.clip_grad_norm(parameters, max_norm), bp.data.batches(...), or, "
     "for one vector, bp.concatenate([p.ravel() for p in parameters])."),
    ("param_groups add_param_group",
     "Write optimizer.lr, and optimizer.parameters. For a second rate, make a second optimiser."),
    ("get_lr", "Write schedule.get_last_lr(), or optimizer.lr."),
    ("register_buffer", "Assign to an attribute: self.mean = bp.tensor(array)."),
    ("func", "Write bp.value_and_grad, bp.jacobian, bp.hessian, bp.jvp or bp.vjp."),
    ("DataLoader Dataset TensorDataset random_split",
     "Write bp.data.batches(x, y, size=32, rng=rng), and bp.data.split."),
    ("DataParallel distributed multiprocessing parallel", "Everything runs in one process here."),
    ("amp autocast GradScaler", "Floats are float64 or float32 here, chosen by the data."),
    ("backends set_num_threads get_num_threads use_deterministic_algorithms "
     "set_float32_matmul_precision",
     "NumPy does the arithmetic: set OPENBLAS_NUM_THREADS."),
    ("set_printoptions get_printoptions", "Write np.set_printoptions(...)."),
    ("hub onnx profiler distributions testing library overrides package "
     "as_subclass is_distributed is_inference module_load output_nr reinforce slice_inverse "
     "volatile",
     "There is nothing like it here; docs/pytorch.md sets the two libraries side by side."),
    ("save_model", "Write bp.save(model.state_dict(), path)."),
    ("load_model", "Write model.load_state_dict(bp.load(path))."),
    ("make_graph make_dot draw_graph plot_model", "Write bp.draw(loss)."),
    ("summary", "Write print(model)."),
    ("SummaryWriter", "Write bp.draw(loss) for the graph, and keep numbers in a list."),
    # ---- arguments ----
    ("inplace= out=", "A recorded value never changes: leave it out, and use what is returned."),
    ("where=", "Write np.where(mask, t, 0) first."),
    ("unbiased=", "False is the default here: leave it out. For True, write ddof=1, which "
     "divides by n - 1."),
    ("retain_graph=", "backward() frees nothing and may run again: leave it out."),
    ("create_graph=", "Write bp.grad(loss, w, create_graph=True)."),
    ("inputs=", "Write bp.grad(loss, inputs)."),
    ("set_to_none=", "It always sets the gradient to None: leave it out."),
    ("closure=", "Call loss.backward(), and then step()."),
    ("device= non_blocking= pin_memory= layout= map_location=",
     "Arrays are in main memory, and dense: leave it out."),
    ("num_workers=", "Batches are cut from arrays, in this process: leave it out."),
    ("shuffle=", "With rng=np.random.default_rng(0) each epoch has a new order; without, none."),
    ("train=", "Write train, test = bp.data.split(*bp.datasets.digits(), rng=rng)."),
    ("strict=", "A state must fit as a whole. For a part, load {**model.state_dict(), **state}."),
    ("dtype=", "Write t.astype(dtype); the weights of a layer are float64."),
    ("descending=",
     "The smallest comes first: write bp.flip(bp.sort(t), axis=-1), or (-t.data).argsort()."),
    ("kind= stable=", "Sorted, the values are the same: leave it out."),
    ("prepend= append=", "Write bp.diff(bp.concatenate([a, t]))."),
    ("size_average= reduce=", "Write reduction='mean', 'sum' or 'none'."),
    ("reduction= ignore_index=",
     "Write bp.cross_entropy(z, labels, ...), which has this argument."),
    ("weight=", "Multiply the loss of each entry, from reduction='none', by its weight."),
    ("start_dim= end_dim=", "Write t.reshape(len(t), -1) to keep the first axis."),
    ("rounding_mode=", "Write a // b, or np.trunc(a / b)."),
    ("padding_mode=", "Pad with zeros, or with bp.pad(x, ...) first."),
    ("bias=", "Add it: conv2d(x, w) + b.reshape(-1, 1, 1)."),
    ("training=", "In evaluation, do not call it; bp.nn.Dropout does so by itself."),
    ("weights_only=", "Nothing in a file is ever run: leave it out."),
    ("last_epoch=", "Write schedule.load_state_dict(state) to resume."),
    ("padding_idx=", "All rows are trained: leave it out, and multiply by "
     "(i != padding_idx)[..., None] for rows of zeros."),
    ("elementwise_affine= affine=", "It always has weight and bias, which start as ones and "
     "zeros: leave it out, and leave them out of what the optimiser trains."),
    ("batch_first=", "Leave it out: cells take the time first, and attention the sample."),
    ("attn_mask= is_causal=", "Write bp.nn.MultiHeadAttention(..., causal=True)."),
    ("amsgrad= centered= dampening=", "The formula has no such part: leave it out, or write your "
     "own; see help(bp.optim.Optimizer)."),
    ("epochs= steps_per_epoch=", "Write total_steps=epochs * len(batches)."),
    ("dim0= dim1=", "Write bp.swapaxes(t, 0, 1)."),
    ("end=", "Write bp.arange(start, stop, step)."),
)  # fmt: skip

#: Families of layers, losses and the like that people know: what their names match, as `folded`.
FAMILIES = (
    ("(ctc|marginranking|(multi|multilabel|multilabelsoft|soft|triplet)margin|hinge|focal|dice|"
     "tripletmarginwithdistance|adaptivelogsoftmaxwith|linearcrossentropy)loss|nllloss2d",
     "There is no such loss. Write its formula with operations, and end with .mean(), "
     "as bp.relu(margin - y * t).mean(), a hinge."),
    ("(circular|constant|reflection|replication|zero)pad[123]d",
     f"Write lambda t: bp.pad(t, [(0, 0), (0, 0), (1, 1), (1, 1)], mode=...). {AS_LAYER}"),
    ("dropout[123]d|(alpha|feature|featurealpha|native)dropout",
     "Write bp.dropout(t, rate, rng=rng), or bp.nn.Dropout; for whole channels, "
     "t * bp.dropout(np.ones((n, channels, 1, 1)), rate, rng=rng)."),
    ("groupnorm|instancenorm([123]d)?", "Write (g - g.mean(axis=-1, keepdims=True)) / "
     "bp.sqrt(g.var(axis=-1, keepdims=True) + 1e-5), where g = t.reshape(len(t), groups, -1), with "
     "a group a channel in InstanceNorm; then reshape it to t.shape."),
    ("(sync|native)?batchnorm(3d)?|(native)?layernorm|localresponsenorm|crossmaplrn2d",
     "Write bp.nn.LayerNorm or bp.nn.BatchNorm."),
    ("lazylinear|lazy(conv|convtranspose|batchnorm|instancenorm)[123]d|"
     "uninitialized(buffer|parameter)", "Say how many inputs the layer has."),
    ("conv(transpose)?[123]d|convolution|convtbc|fold|unfold|maxunpool[123]d|"
     "(adaptive|fractional|global)?(avg|max|lp)pool[123]d(withindices)?",
     "There are bp.conv2d, bp.max_pool2d and bp.avg_pool2d: give one "
     "dimension as two, one of length 1. t.mean(axis=(2, 3), keepdims=True), or t.max, is one "
     "number per channel. For another operation, see bp.primitive."),
    ("upsampl(e|ing)(bilinear|nearest)?(2d)?|interpolate",
     "Write bp.repeat(bp.repeat(t, 2, axis=2), 2, axis=3)."),
    ("(native)?channelshuffle|pixel(un)?shuffle",
     "Write it with t.reshape(...) and t.transpose(...)."),
    ("(rnn|lstm|gru)(base|cell|cellbase)?|rnn(relu|tanh)(cell)?",
     "Write bp.nn.LSTMCell(...).over_time(xs), or RNNCell or GRUCell."),
    ("attention|multiheadattention(forward)?|scaleddotproductattention|(scaled)?groupedmm|scaledmm|"
     "transformer((en|de)coder(layer)?)?",
     "Write bp.nn.MultiHeadAttention, or bp.softmax(q @ k.mT / np.sqrt(d)) @ v."),
    ("(constant|cosineannealingwarmrestarts|cyclic|multiplicative|polynomial|sequential|swa)lr|"
     "chainedscheduler|cosineannealingwarmrestarts",
     "Write bp.optim.LambdaLR(optimizer, factor), where factor is any function of the epoch."),
    ("ada(delta|factor|grad|max)|(n|r|sparse)adam|asgd|lbfgs|muon|rprop",
     "There are bp.optim.SGD, RMSProp, Adam and AdamW; each is a formula of a few lines."),
    ("(fashion)?mnist|cifar(10|100)?|(load|fetch|make)(iris|digits|wine|mnist|openml|moons|blobs|"
     "circles|classification|regression)",
     "Write bp.datasets.digits(), or spirals(400, rng); load other data as arrays."),
)  # fmt: skip
