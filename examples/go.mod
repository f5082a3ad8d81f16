module github.com/bankrail/bankrail/examples

go 1.26.0

require (
	github.com/bankrail/bankrail v0.0.0
	github.com/bankrail/bankrail/store/sqlstore v0.0.0
	golang.org/x/term v0.47.0
)

replace (
	github.com/bankrail/bankrail => ..
	github.com/bankrail/bankrail/store/sqlstore => ../store/sqlstore
)
