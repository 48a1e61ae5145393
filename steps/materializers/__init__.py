"""How our values become artifacts: parquet, safetensors and JSON, never pickle."""
