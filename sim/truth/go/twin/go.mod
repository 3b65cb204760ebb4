module gomemsim/twin

go 1.21
