"""Training: the sampling plan, samplers, length-bucketed batches, the loop as a generator of states, stopping, checkpoints.

The rooms above use `encoding.encode` (token ids on disk), `plan.sampling_plan` (what will happen, before it does) and `fit.fit`
(train a network).
"""
