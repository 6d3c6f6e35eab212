"""Whom to cite: the papers behind each detector, and this software, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any

Entry = Mapping[str, str]

PAPERS: dict[str, Entry] = {
    "alad": {
        "type": "inproceedings",
        "title": "Adversarially Learned Anomaly Detection",
        "author": "Zenati, Houssam and Romain, Manon and Foo, Chuan-Sheng and Lecouat, Bruno and "
        "Chandrasekhar, Vijay",
        "booktitle": "IEEE International Conference on Data Mining (ICDM)",
        "year": "2018",
        "eprint": "1812.02288",
        "archiveprefix": "arXiv",
    },
    "alice": {
        "type": "inproceedings",
        "title": "ALICE: Towards Understanding Adversarial Learning for Joint Distribution "
        "Matching",
        "author": "Li, Chunyuan and Liu, Hao and Chen, Changyou and Pu, Yuchen and Chen, Liqun and "
        "Henao, Ricardo and Carin, Lawrence",
        "booktitle": "Advances in Neural Information Processing Systems",
        "year": "2017",
        "eprint": "1709.01215",
        "archiveprefix": "arXiv",
    },
    "egbad": {
        "type": "misc",
        "title": "Efficient GAN-Based Anomaly Detection",
        "author": "Zenati, Houssam and Foo, Chuan Sheng and Lecouat, Bruno and Manek, Gaurav and "
        "Chandrasekhar, Vijay Ramaseshan",
        "year": "2018",
        "eprint": "1802.06222",
        "archiveprefix": "arXiv",
    },
    "bigan": {
        "type": "inproceedings",
        "title": "Adversarial Feature Learning",
        "author": 'Donahue, Jeff and Kr{\\"a}henb{\\"u}hl, Philipp and Darrell, Trevor',
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": "2017",
        "eprint": "1605.09782",
        "archiveprefix": "arXiv",
    },
    "replicator": {
        "type": "inproceedings",
        "title": "Outlier Detection Using Replicator Neural Networks",
        "author": "Hawkins, Simon and He, Hongxing and Williams, Graham and Baxter, Rohan",
        "booktitle": "Data Warehousing and Knowledge Discovery (DaWaK)",
        "year": "2002",
    },
    "gan": {
        "type": "inproceedings",
        "title": "Generative Adversarial Nets",
        "author": "Goodfellow, Ian and Pouget-Abadie, Jean and Mirza, Mehdi and Xu, Bing and "
        "Warde-Farley, David and Ozair, Sherjil and Courville, Aaron and Bengio, Yoshua",
        "booktitle": "Advances in Neural Information Processing Systems",
        "year": "2014",
        "eprint": "1406.2661",
        "archiveprefix": "arXiv",
    },
    "anogan": {
        "type": "inproceedings",
        "title": "Unsupervised Anomaly Detection with Generative Adversarial Networks to Guide "
        "Marker Discovery",
        "author": 'Schlegl, Thomas and Seeb{\\"o}ck, Philipp and Waldstein, Sebastian M. and '
        "Schmidt-Erfurth, Ursula and Langs, Georg",
        "booktitle": "Information Processing in Medical Imaging (IPMI)",
        "year": "2017",
        "eprint": "1703.05921",
        "archiveprefix": "arXiv",
    },
    "dagmm": {
        "type": "inproceedings",
        "title": "Deep Autoencoding Gaussian Mixture Model for Unsupervised Anomaly Detection",
        "author": "Zong, Bo and Song, Qi and Min, Martin Renqiang and Cheng, Wei and Lumezanu, "
        "Cristian and Cho, Daeki and Chen, Haifeng",
        "booktitle": "International Conference on Learning Representations (ICLR)",
        "year": "2018",
    },
    "dsebm": {
        "type": "inproceedings",
        "title": "Deep Structured Energy Based Models for Anomaly Detection",
        "author": "Zhai, Shuangfei and Cheng, Yu and Lu, Weining and Zhang, Zhongfei",
        "booktitle": "International Conference on Machine Learning (ICML)",
        "year": "2016",
        "eprint": "1605.07717",
        "archiveprefix": "arXiv",
    },
    "isolation-forest": {
        "type": "inproceedings",
        "title": "Isolation Forest",
        "author": "Liu, Fei Tony and Ting, Kai Ming and Zhou, Zhi-Hua",
        "booktitle": "IEEE International Conference on Data Mining (ICDM)",
        "year": "2008",
    },
    "knn": {
        "type": "inproceedings",
        "title": "Efficient Algorithms for Mining Outliers from Large Data Sets",
        "author": "Ramaswamy, Sridhar and Rastogi, Rajeev and Shim, Kyuseok",
        "booktitle": "ACM SIGMOD International Conference on Management of Data",
        "year": "2000",
    },
    "knn-mean": {
        "type": "inproceedings",
        "title": "Fast Outlier Detection in High Dimensional Spaces",
        "author": "Angiulli, Fabrizio and Pizzuti, Clara",
        "booktitle": "Principles of Data Mining and Knowledge Discovery (PKDD)",
        "year": "2002",
    },
    "lof": {
        "type": "inproceedings",
        "title": "LOF: Identifying Density-Based Local Outliers",
        "author": "Breunig, Markus M. and Kriegel, Hans-Peter and Ng, Raymond T. and Sander, "
        'J{\\"o}rg',
        "booktitle": "ACM SIGMOD International Conference on Management of Data",
        "year": "2000",
    },
    "mahalanobis": {
        "type": "article",
        "title": "On the Generalised Distance in Statistics",
        "author": "Mahalanobis, Prasanta Chandra",
        "journal": "Proceedings of the National Institute of Sciences of India",
        "year": "1936",
    },
    "oc-svm": {
        "type": "article",
        "title": "Estimating the Support of a High-Dimensional Distribution",
        "author": 'Sch{\\"o}lkopf, Bernhard and Platt, John C. and Shawe-Taylor, John and Smola, '
        "Alex J. and Williamson, Robert C.",
        "journal": "Neural Computation",
        "volume": "13",
        "year": "2001",
    },
    "pca": {
        "type": "inproceedings",
        "title": "A Novel Anomaly Detection Scheme Based on Principal Component Classifier",
        "author": "Shyu, Mei-Ling and Chen, Shu-Ching and Sarinnapakorn, Kanoksri and Chang, LiWu",
        "booktitle": "ICDM Foundations and New Directions of Data Mining Workshop",
        "year": "2003",
    },
}

OF_DETECTOR: dict[str, tuple[str, ...]] = {
    "ALAD": ("alad",),
    "ALICE": ("alice", "alad"),
    "BiGAN": ("egbad", "bigan"),
    "AutoEncoder": ("replicator",),
    "GAN": ("gan",),
    "AnoGAN": ("anogan",),
    "DAGMM": ("dagmm",),
    "DSEBM": ("dsebm",),
    "Mahalanobis": ("mahalanobis",),
    "OCSVM": ("oc-svm",),
    "IsolationForest": ("isolation-forest",),
    "KNN": ("knn", "knn-mean"),
    "LOF": ("lof",),
    "PCA": ("pca",),
}


def software() -> Entry:
    """This package, as its own metadata have it."""
    about: Any = metadata.metadata("alad")
    return {
        "type": "software",
        "title": f"{about['Name']}: {about['Summary']}",
        "author": f"{{{about['Author']}}}",  # in braces: a group has no first name
        "version": about["Version"],
    }


def entries(detector: str) -> dict[str, Entry]:
    """What to cite for a detector, by key: its papers, and the software."""
    papers = OF_DETECTOR.get(detector, ())
    return {name: PAPERS[name] for name in papers} | {"alad-software": software()}


def bibtex(of: Mapping[str, Entry]) -> str:
    r"""Give entries as BibTeX.

    >>> print(bibtex({"a": {"type": "misc", "title": "T", "year": "2018"}}))
    @misc{a,
      title = {T},
      year = {2018},
    }
    """
    return "\n\n".join(_as_text(key, entry) for key, entry in of.items())


def _as_text(key: str, entry: Entry) -> str:
    fields: Iterable[str] = (f"  {k} = {{{v}}}," for k, v in entry.items() if k != "type")
    return "\n".join([f"@{entry['type']}{{{key},", *fields, "}"])
