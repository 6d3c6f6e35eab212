"""Numbers that others have published, each with its source. Facts to stand beside ours.

A mean alone has sd None. Rows are looked up by a short name, which the registry's rows refer to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

PAPER = "Zenati et al., ICDM 2018"
TALK = "Strangalies, FU Berlin"
DAGMM_PAPER = "Zong et al., ICLR 2018, quoted by Zenati et al., ICDM 2018"


@dataclass(frozen=True)
class Published:
    """Precision, recall and F1 of the anomaly class, as printed; sd is that of F1."""

    method: str
    precision: float
    recall: float
    f1: float
    source: str
    sd: float | None = None
    note: str = ""


MEMORY = "from memory of the paper: check before quoting"

PUBLISHED: dict[str, dict[str, Published]] = {
    "kdd99": {
        "OC-SVM": Published("OC-SVM", 0.7457, 0.8523, 0.7954, DAGMM_PAPER),
        "IF": Published("IF", 0.9216, 0.9373, 0.9294, PAPER),
        "DSEBM-r": Published("DSEBM-r", 0.8521, 0.6472, 0.7328, DAGMM_PAPER),
        "DSEBM-e": Published("DSEBM-e", 0.8619, 0.6446, 0.7399, DAGMM_PAPER),
        "DAGMM": Published("DAGMM", 0.9297, 0.9442, 0.9369, DAGMM_PAPER),
        "AnoGAN": Published(
            "AnoGAN", 0.8786, 0.8297, 0.8865, PAPER, note="its F1 does not follow from P and R"
        ),
        "ALAD": Published("ALAD", 0.9427, 0.9577, 0.9501, PAPER, sd=0.0018),
        "ALAD, the talk": Published("ALAD, the talk", 0.9481, 0.9417, 0.9449, TALK),
        "Baseline": Published("Baseline", 0.948, 0.963, 0.955, PAPER, sd=0.007),
        "Baseline + DL": Published("Baseline + DL", 0.944, 0.959, 0.951, PAPER, sd=0.008),
        "Baseline + SN": Published("Baseline + SN", 0.942, 0.957, 0.949, PAPER, sd=0.004),
        "Baseline + SN + DL": Published("Baseline + SN + DL", 0.943, 0.958, 0.950, PAPER, sd=0.002),
        "L1": Published("L1", 0.9113, 0.9258, 0.9185, PAPER, sd=0.0632),
        "L2": Published("L2", 0.9316, 0.9464, 0.9389, PAPER, sd=0.0156),
        "Logits": Published("Logits", 0.9221, 0.9368, 0.9294, PAPER, sd=0.0173),
        "Features": Published("Features", 0.9427, 0.9577, 0.9501, PAPER, sd=0.0018),
    },
    "arrhythmia": {
        "OC-SVM": Published("OC-SVM", 0.5397, 0.4082, 0.4581, DAGMM_PAPER),
        "IF": Published("IF", 0.5147, 0.5469, 0.5303, PAPER, note=MEMORY),
        "DSEBM-r": Published("DSEBM-r", 0.1515, 0.1513, 0.1510, DAGMM_PAPER),
        "DSEBM-e": Published("DSEBM-e", 0.4667, 0.4565, 0.4601, DAGMM_PAPER),
        "DAGMM": Published("DAGMM", 0.4909, 0.5078, 0.4983, DAGMM_PAPER),
        "AnoGAN": Published("AnoGAN", 0.4118, 0.4375, 0.4242, PAPER, note=MEMORY),
        "ALAD": Published("ALAD", 0.5000, 0.5313, 0.5152, PAPER, note=MEMORY),
    },
}

KDD99 = (
    replace(PUBLISHED["kdd99"]["ALAD"], method="ALAD, the paper"),
    PUBLISHED["kdd99"]["ALAD, the talk"],
)
