"""Recipe + dataset + model to trained weights. One loop for LoRA, full tuning and continued pre-training."""
