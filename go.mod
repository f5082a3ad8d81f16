module github.com/bankrail/bankrail

go 1.25.0

require (
	github.com/anishathalye/porcupine v1.3.0
	github.com/emmansun/gmsm v0.44.1
	github.com/go-resty/resty/v2 v2.17.2
	github.com/jarcoal/httpmock v1.4.2
	github.com/sony/gobreaker/v2 v2.4.0
	github.com/stretchr/testify v1.12.1
	github.com/tjfoc/gmsm v1.4.1
	go.uber.org/goleak v1.3.0
	golang.org/x/crypto v0.54.0
	golang.org/x/text v0.40.0
	golang.org/x/time v0.15.0
	pgregory.net/rapid v1.3.0
)

require (
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.56.0 // indirect
)
