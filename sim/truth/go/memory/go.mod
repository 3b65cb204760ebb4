module gomemsim/memory

go 1.27
