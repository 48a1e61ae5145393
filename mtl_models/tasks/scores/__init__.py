"""How answers are judged: each kind's metrics as functions of sums over rows, one definition for dev, test and resamples."""
