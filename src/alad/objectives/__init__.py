"""The mathematics: pure functions of networks and a batch, one file for each method."""
