module github.com/bankrail/bankrail/cmd/bankrail

go 1.26.0

require (
	github.com/bankrail/bankrail v0.0.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/emmansun/gmsm v0.44.1 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.54.0 // indirect
	golang.org/x/text v0.40.0 // indirect
)

replace github.com/bankrail/bankrail => ../..
