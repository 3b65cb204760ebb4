module gomemsim/bench

go 1.27
