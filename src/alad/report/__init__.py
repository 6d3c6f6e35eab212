"""Results as pictures. In two stages: the experiment gives a dictionary, this draws it."""
