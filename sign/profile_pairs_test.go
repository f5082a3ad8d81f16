package sign_test

// coincide lists the wrong pairings that verify, because two gateways build one text
// for that message, under one algorithm and encoding, by row of the gateway table.
// Only the keys tell such gateways apart, so keys are never shared between them.
var coincide = map[string]string{
	// "as WeChat v3": the same five lines, and the same three of answers. A callback
	// is signed as an answer is: its place and its keys say which it is.
	"wechat-v3-request":  "douyin-request",
	"douyin-request":     "wechat-v3-request",
	"wechat-v3-response": "alipay-v3-response douyin-answer wechat-v3-callback",
	"wechat-v3-callback": "alipay-v3-response douyin-answer wechat-v3-response",
	"douyin-answer":      "alipay-v3-response wechat-v3-callback wechat-v3-response",
	"alipay-v3-response": "douyin-answer wechat-v3-callback wechat-v3-response",
	// Both sign the JSON itself with SHA1withRSA; one sends it in Base64.
	"lanmao":         "wanxin-request",
	"wanxin-request": "lanmao",
	// Sorted pairs without empties and sign, SHA1withRSA, as Alipay's old sign_type.
	"allinpay":               "alipay-v2-request-rsa1",
	"alipay-v2-request-rsa1": "allinpay",
}
