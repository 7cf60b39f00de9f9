"""Write rules of the δ-Mem matrix: one file each, a slow reference beside its fast form. Torch only."""
