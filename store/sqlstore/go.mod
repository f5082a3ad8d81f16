module github.com/bankrail/bankrail/store/sqlstore

go 1.26.0

require (
	github.com/bankrail/bankrail v0.0.0
	github.com/stretchr/testify v1.12.1
	modernc.org/sqlite v1.60.1
)

replace github.com/bankrail/bankrail => ../..
