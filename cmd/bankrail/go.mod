module github.com/bankrail/bankrail/cmd/bankrail

go 1.26.0

require (
	github.com/bankrail/bankrail v0.0.0
	github.com/stretchr/testify v1.12.1
)

replace github.com/bankrail/bankrail => ../..
