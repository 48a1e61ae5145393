"""The DLN-LSTM: an LSTM whose layer norms belong to tasks, with its recurrence written out for CPUs and GPUs."""
