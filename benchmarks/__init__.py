"""Commands that time alad and its peers; their results lie in ``results/``."""
