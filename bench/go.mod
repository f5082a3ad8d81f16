module github.com/bankrail/bankrail/bench

go 1.26.0

require (
	github.com/bankrail/bankrail v0.0.0
	github.com/emmansun/gmsm v0.44.1
	github.com/go-pay/gopay v1.5.123
	github.com/smartwalle/alipay/v3 v3.2.30
	github.com/smartwalle/nsign v1.0.9
	github.com/stretchr/testify v1.12.1
	github.com/tjfoc/gmsm v1.4.1
	github.com/wechatpay-apiv3/wechatpay-go v0.2.21
)

require (
	github.com/go-pay/crypto v0.0.3 // indirect
	github.com/go-pay/xlog v0.0.3 // indirect
	github.com/go-pay/xtime v0.0.2 // indirect
	github.com/smartwalle/ncrypto v1.0.4 // indirect
	github.com/smartwalle/ngx v1.1.1 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.54.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.40.0 // indirect
)

replace github.com/bankrail/bankrail => ..
