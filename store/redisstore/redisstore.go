// Package redisstore keeps idempotency keys, order locks and token buckets in Redis.
package redisstore
