// Package broker publishes the events of the journal to message brokers.
package broker
