"""What Keras 3 can't take of Keras 2, and what it takes with another meaning."""

import inspect

# The classes that a file of Keras 2 names without a module. tests/ compare them with tf_keras.
CLASSES = frozenset(
    """
    AUC AbstractRNNCell Accuracy Activation ActivityRegularization Adadelta Adafactor Adagrad
    Adam AdamW Adamax Add AdditiveAttention AlphaDropout Attention Average AveragePooling1D
    AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization
    BatchNormalizationV1 BatchNormalizationV2 Bidirectional BinaryAccuracy BinaryCrossentropy
    BinaryFocalCrossentropy BinaryIoU CategoricalAccuracy CategoricalCrossentropy
    CategoricalFocalCrossentropy CategoricalHinge CategoryEncoding CenterCrop CompositeTensor
    Concatenate Constant Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose
    ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution2D Convolution2DTranspose
    Convolution3D CosineDecay CosineDecayRestarts CosineSimilarity Cropping1D Cropping2D
    Cropping3D CuDNNGRU CuDNNLSTM DTypePolicy Dense DenseFeatures DepthwiseConv1D
    DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding ExponentialDecay
    F1Score FBetaScore FalseNegatives FalsePositives Flatten Ftrl Functional GRU GRUCell GRUV1
    GRUV2 GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlorotNormal
    GlorotUniform GroupNormalization HashedCrossing Hashing HeNormal HeUniform Hinge Huber
    Identity IdentityInitializer InputLayer InputSpec IntegerLookup InverseTimeDecay IoU
    KLDivergence L1 L1L2 L2 LSTM LSTMCell LSTMV1 LSTMV2 Lambda Layer LayerNormalization
    LeakyReLU LecunNormal LecunUniform Lion LocallyConnected1D LocallyConnected2D LogCosh
    LossScaleOptimizer LossScaleOptimizerV3 Masking MaxNorm MaxPool1D MaxPool2D MaxPool3D
    MaxPooling1D MaxPooling2D MaxPooling3D Maximum Mean MeanAbsoluteError
    MeanAbsolutePercentageError MeanIoU MeanMetricWrapper MeanRelativeError MeanSquaredError
    MeanSquaredLogarithmicError MeanTensor Merge MinMaxNorm Minimum Model MultiHeadAttention
    Multiply Nadam NonNeg Normalization OneHotIoU OneHotMeanIoU Ones Optimizer Orthogonal
    OrthogonalRegularizer PReLU Permute PiecewiseConstantDecay Poisson Policy PolicyV1
    PolynomialDecay Precision PrecisionAtRecall R2Score RMSprop RNN RadialConstraint
    RandomBrightness RandomContrast RandomCrop RandomFlip RandomHeight RandomNormal
    RandomRotation RandomTranslation RandomUniform RandomWidth RandomZoom ReLU Recall
    RecallAtPrecision RepeatVector Rescaling Reshape Resizing RootMeanSquaredError SGD
    SensitivityAtSpecificity SeparableConv1D SeparableConv2D SeparableConvolution1D
    SeparableConvolution2D Sequential SimpleRNN SimpleRNNCell SlicingOpLambda Softmax
    SparseCategoricalAccuracy SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy
    SpatialDropout1D SpatialDropout2D SpatialDropout3D SpecificityAtSensitivity
    SpectralNormalization SquaredHinge StackedRNNCells StringLookup Subtract Sum TFOpLambda
    TensorShape TextVectorization ThresholdedReLU TimeDistributed TopKCategoricalAccuracy
    TrueNegatives TruePositives TruncatedNormal TypeSpec UnitNorm UnitNormalization UpSampling1D
    UpSampling2D UpSampling3D VarianceScaling Wrapper ZeroPadding1D ZeroPadding2D ZeroPadding3D
    Zeros __bytes__ __ellipsis__ __lambda__ __numpy__ __tensor__ __tuple__ function
    """.split()  # noqa: SIM905
)

# Layers whose configuration Keras 3 reads, from every file of Keras 2 that was tried, with the
# same meaning. Others may work; a file with one of them gets the lines of tf_keras.
READ_BY_KERAS_3 = frozenset(
    """
    Activation Add Average AveragePooling1D AveragePooling2D BatchNormalization Concatenate
    Conv1D Conv2D Dense Dropout ELU Embedding Flatten GlobalAveragePooling1D
    GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D InputLayer MaxPooling1D
    MaxPooling2D Maximum Multiply Permute RepeatVector Reshape SpatialDropout1D SpatialDropout2D
    Subtract UpSampling2D ZeroPadding2D
    """.split()  # noqa: SIM905
)
MODELS = ("Sequential", "Functional", "Model")
CHANGED = ("hard_sigmoid",)  # x / 5 + 1/2 in Keras 2, x / 6 + 1/2 in Keras 3


# A setting that Keras 3 does not have is dropped where it has a value that changes nothing.
HARMLESS = {
    "time_major": (False,),
    "trainable": None,  # copied at the end
    "dtype": None,
    "activity_regularizer": (None,),
    "groups": (1,),
    "implementation": (0, 1, 2),
    "batch_input_shape": None,  # None: any value
    "input_length": None,
    "input_dtype": None,
    "ragged": (False,),
    "sparse": (False,),
    "dtype_policy": None,
    "layer_name": None,
    "experimental_run_tf_function": None,
    "virtual_batch_size": (None,),
    "renorm": (False,),
    "fused": None,
    "adjustment": (None,),
    "kernel_initializer": None,  # the weights are copied, no matter how they began
    "kernel_regularizer": (None,),
    "kernel_constraint": (None,),
    "interpolation": ("nearest",),
    "crop_to_aspect_ratio": (False,),
    "noise_shape": (None,),
    "vocabulary_size": None,
    "invert": (False,),
    "force_generator": None,
    "rng_type": None,
    "seed": None,
    "num_oov_indices": (1,),
    "has_input_vocabulary": None,
    "vocab_size": None,
    "attention_axes": (None,),
    "query_shape": None,
    "key_shape": None,
    "value_shape": None,
    "score_mode": ("dot",),
    "stateful": (False,),
    "zero_output_for_mask": (False,),
    "cell": None,
}


RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
GONE = ("ThresholdedReLU",)  # `helpers.files.converted` has them


def reasons(config: dict, layers: list[dict]) -> list[str]:
    """Say why Keras 3 would refuse a whole model of Keras 2, or predict otherwise.

    Args:
        config: the model's ``class_name`` and ``config``.
        layers: its layers, models within it gone through.

    Returns:
        Names of layers and settings; empty where Keras 3 is known to read it.
    """
    inner, found = config.get("config"), set()
    if isinstance(inner, list):
        found.add("layers as a list")
    listed = inner.get("layers", []) if isinstance(inner, dict) else inner or []
    if config.get("class_name") not in MODELS:
        found.add(str(config.get("class_name")))
    for layer in listed:
        if isinstance(layer, dict) and layer.get("class_name") in MODELS:
            found.add("a model within the model")
    for layer in layers:
        if layer.get("class_name") not in READ_BY_KERAS_3:
            found.add(str(layer.get("class_name")))
        for value in layer["config"].values():
            if value in CHANGED or (isinstance(value, dict) and value.get("class_name") in CHANGED):
                found.add("hard_sigmoid")
        if layer.get("class_name") not in ("Conv1D", "Conv2D") and "groups" in layer["config"]:
            found.add("groups")
    return sorted(found)


def arguments(new_class) -> set:
    """The names that a class takes, its bases' included where it hands them on."""
    found = set()
    for base in new_class.__mro__:
        if "__init__" in vars(base) and base is not object:
            parameters = inspect.signature(base.__init__).parameters
            found |= set(parameters)
            if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                break
    return found


def function_name(value) -> str:
    """The name of a function, from its configuration or from itself."""
    if isinstance(value, dict):
        value = value.get("config")
        value = value.get("name") if isinstance(value, dict) else value
    return value if isinstance(value, str) else getattr(value, "__name__", "")
