module github.com/bankrail/bankrail/proof

go 1.26.0

require github.com/bankrail/bankrail v0.0.0

replace github.com/bankrail/bankrail => ..
