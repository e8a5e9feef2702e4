"""The simulated plant's step as machine code: traced once from the numpy physics, compiled with LLVM, run in place."""
