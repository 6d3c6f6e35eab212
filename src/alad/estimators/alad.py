"""ALAD, and BiGAN, ALICE and a plain autoencoder, which are ALAD with games left out."""

from __future__ import annotations

from alad.estimators._adversarial import AdversarialDetector
from alad.objectives.autoencoder import reconstruction_loss
from alad.training import Move


class ALAD(AdversarialDetector):
    r"""Adversarially learned anomaly detection (Zenati et al., 2018).

    An encoder E and a generator G learn, against three discriminators, to carry normal rows to
    a latent space and back. A new row is scored by how far the features f of D_xx move when
    the row x is replaced by its reconstruction:

    .. math:: A(x) = \| f_{xx}(x, x) - f_{xx}(x, G(E(x))) \|_1

    That is the paper's score, and that of the paper's presets. By itself ``ALAD()`` goes further:
    its discriminators also learn from rows with exchanged columns, and a row is compared with
    normal rows that were kept, its distance to them and the doubt of D_xz and D_xx together (the
    score "memory").
    A fifth of the rows, at most 4,096, is not trained on: it settles how far the doubt counts.
    Such a model holds up to 16,384 of its training rows, scaled, or up to four times as many where
    a search may leave out most of them (:mod:`alad.networks.cells`): give it to those who may see
    them.

    Parameters
    ----------
    preset : {"tabular", "kdd99", "arrhythmia", "pictures", "cifar10", "svhn"}
        Networks and settings. "kdd99", "arrhythmia", "cifar10" and "svhn" are the paper's.
        "tabular" is ours, for tables of any width: networks as wide as the next power of two of the
        columns, 64 to 256 (docs/quality.md has what it is worth). "pictures" is for square pictures
        of 8 to 128 pixels a side. With the last three, X is an array of pixels from 0 to 255, of
        shape (n, side, side, channels) or (n, side, side). A setting that is left at None takes the
        preset's value.
    anomaly_score : str
        "features" is A(x) above; "logits", "l1", "l2" are the paper's other three,
        "joint-features" and "joint-logits" BiGAN's (:mod:`alad.scores.alad`); "memory",
        "local-distance" and "distance" compare with rows that were kept
        (:mod:`alad.scores.memory`). Default: "memory" for the preset "tabular", else "features".
    scaling : {"none", "minmax", "standard", "log-standard", "pixels"}
        What is done to columns first, fitted on the training rows. Pictures take "pixels" only:
        0 to 255 becomes -1 to 1. With "none" columns should lie around 0: scores of the memory
        keep its rows to eleven binary digits, of which a column far from 0 spends most on the way.
    spectral_norm : bool
        Spectral normalisation of the discriminators' hidden layers, and of pictures also of E's.
    exchange : bool
        Whether D_xz and D_xx also learn to tell rows from rows with columns of other rows
        (:mod:`alad.objectives.neighbourhood`); True for the preset "tabular", else False.
    leave_out_knots : bool, default False
        Whether the memory leaves out rows that are close to each other and far from most. Set it
        where anomalies may be among the training rows: those of one kind look so. So do rare kinds
        of normal rows, and what is left out is taken for an anomaly later.
    latent_dim : int
        Width of z.
    epochs : int
        Passes over the training rows; 0 leaves the networks untrained, a useful control. The
        preset "tabular" goes on until it has made 2,000 steps.
    batch_size, learning_rate : int, float
        Adam with beta1 = 0.5; remainder rows of an epoch are left out.
    ema_decay : float in [0, 1)
        Moving average of the weights, used for scoring; 0 uses the last weights.
    patience : int
        Stop after more than this many epochs without a lower mean score of the validation
        rows, and restore the best weights.
    validation_fraction : float in [0, 1)
        Share of the rows to hold out for watching, if ``fit`` is given no ``X_valid``. Rows that
        are watched settle the doubt of "memory", too; if they are fewer than that takes, as many
        more as are lacking are not trained on. Rows that are held out may be kept, like all others;
        those of ``X_valid`` are not.
    precision : {"float32", "bfloat16"}, default "float32"
        Of what goes into the products in training, and comes out. "bfloat16" is for pictures on a
        GPU; on a CPU it is slow. The weights, all that is computed between products, and scoring
        are float32 either way.
    contamination : float in (0, 0.5], default 0.01
        Share of the training rows that ``predict`` is to flag.
    random_state : int, RandomState or None
        Settles weights, batches and noise: same seed, same machine, same scores.
    verbose : bool
        Print progress to standard error.

    Attributes
    ----------
    history_ : History
        Losses of both players and validation scores, epoch by epoch.
    weights_ : dict
        For each player its averaged weights and its buffers.

    See also the attributes of every detector: ``n_features_in_``, ``feature_names_in_``,
    ``encoder_``, ``scaler_``, ``offset_``, ``seed_``.

    Notes
    -----
    Differs from the paper: the row order, the noise and the latent draws come from one seed
    (in the released code from several global generators), and rows for validation are never
    trained on. Differs from the released code: patience restores the best weights, the
    moving average takes in a step's weights after the step, and dropout rates are rounded to
    1/256. Spectral normalisation covers D's hidden layers in tabular networks too, where the
    released code ignores its flag.

    References
    ----------
    Zenati, Romain, Foo, Lecouat, Chandrasekhar. Adversarially Learned Anomaly Detection.
    ICDM 2018, arXiv 1812.02288.

    Examples
    --------
    >>> import numpy as np
    >>> from alad import ALAD
    >>> from alad.metrics import detection_metrics
    >>> rng = np.random.default_rng(0)
    >>> normal = rng.normal(size=(1000, 4)) @ rng.normal(size=(4, 8))  # a plane in 8 dimensions
    >>> strange = 2 * rng.normal(size=(50, 8))
    >>> detector = ALAD(random_state=0).fit(normal[:900])
    >>> test = np.vstack([normal[900:], strange])
    >>> auroc = detection_metrics(np.arange(150) >= 100, -detector.score_samples(test))["auroc"]
    >>> bool(auroc > 0.95)
    True
    """

    games = ("xz", "xx", "zz")
    default_score = "features"

    def _own_score(self) -> str:
        """The preset's, where it has one that is not the paper's."""
        return self.presets[self.preset].anomaly_score or self.default_score


class ALICE(AdversarialDetector):
    """ALAD without the latent discriminator: the games xz and xx (Li et al., 2017).

    The row "Baseline" of the paper's ablations, and "Baseline + SN" with ``spectral_norm``.
    Parameters and attributes are those of :class:`ALAD`; the score is "features" by default.

    Differs from the paper of ALICE: its cycle is adversarial, as in ALAD, without its other
    variants (explicit norms, paired data).

    References
    ----------
    Li et al. ALICE: Towards Understanding Adversarial Learning for Joint Distribution
    Matching. NeurIPS 2017, arXiv 1709.01215.

    Examples
    --------
    >>> from alad import ALICE
    >>> ALICE(epochs=0).games
    ('xz', 'xx')
    """

    games = ("xz", "xx")
    default_score = "features"


class BiGAN(AdversarialDetector):
    r"""The game xz alone: E and G answer only to D_xz(x, z) (Donahue et al., 2017).

    It has no D_xx. Its scores are those of EGBAD (Zenati et al., 2018), which join the
    reconstruction error and what D_xz makes of it, and the error alone:

    .. math::

        A(x) = 0.9 \| x - G(E(x)) \|_1 + 0.1 \| f_{xz}(x, E(x)) - f_{xz}(G(E(x)), E(x)) \|_1

    for "joint-features" (the default), :math:`-\log \sigma(D_{xz}(x, E(x)))` in the place of the
    second norm for "joint-logits", and "l1" or "l2". Other parameters and attributes are those of
    :class:`ALAD`.

    References
    ----------
    Zenati, Foo, Lecouat, Manek, Chandrasekhar. Efficient GAN-Based Anomaly Detection. 2018, arXiv
    1802.06222.
    Donahue, Krähenbühl, Darrell. Adversarial Feature Learning. ICLR 2017, arXiv 1605.09782.
    Dumoulin et al. Adversarially Learned Inference. ICLR 2017, arXiv 1606.00704.

    Examples
    --------
    >>> from alad import BiGAN
    >>> BiGAN(anomaly_score="features").fit([[0.0, 1.0], [1.0, 0.0]])
    Traceback (most recent call last):
    alad.errors.InputError: The score 'features' looks at D_xx, which BiGAN does not have. ...
    """

    games = ("xz",)
    default_score = "joint-features"


class AutoEncoder(AdversarialDetector):
    r"""ALAD's E and G without any game: trained to reconstruct, a control beside ALAD.

    .. math:: \min_{E, G} E_x \| x - G(E(x)) \|_2^2, \qquad A(x) = \| x - G(E(x)) \|_2

    or its 1-norm, "l1". What ALAD finds beyond it, the games have taught. Parameters and attributes
    are those of :class:`ALAD`; ``spectral_norm`` acts on E of pictures alone.

    References
    ----------
    Hawkins, He, Williams, Baxter. Outlier Detection Using Replicator Neural Networks. DaWaK 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from alad import AutoEncoder
    >>> from alad.metrics import detection_metrics
    >>> rng = np.random.default_rng(0)
    >>> normal = rng.normal(size=(1000, 2)) @ rng.normal(size=(2, 6))  # a plane in 6 dimensions
    >>> strange = 2 * rng.normal(size=(50, 6))
    >>> detector = AutoEncoder(epochs=40, random_state=0).fit(normal[:900])
    >>> test = np.vstack([normal[900:], strange])
    >>> auroc = detection_metrics(np.arange(150) >= 100, -detector.score_samples(test))["auroc"]
    >>> bool(auroc > 0.95)
    True
    """

    games = ()
    moves = (Move("A", reconstruction_loss),)
    default_score = "l2"
