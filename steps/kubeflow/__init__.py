"""Kubeflow Pipelines as an orchestrator that passes on what a step asks for."""
