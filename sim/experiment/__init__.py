"""Many runs: grids of settings, simulated in parallel, stored one by one, set side by side."""
