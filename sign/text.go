package sign

// Field is one named value of a message, as it is on the wire.
type Field struct{ Name, Value string }

// EmptyRule says what becomes of a field whose value is empty.
type EmptyRule uint8

// What becomes of a field whose value is empty. "0" is not empty.
const (
	// SkipEmpty leaves the field out: empty and missing give the same text, so
	// code that reads the message must treat them alike.
	SkipEmpty EmptyRule = iota
	// KeepEmpty writes the name with nothing behind it.
	KeepEmpty
	// RejectEmpty refuses the message.
	RejectEmpty
)

// Order says in which order the fields stand in the text.
type Order uint8

// In which order the fields stand in the text.
const (
	// ByteOrder sorts names by their bytes ("B" before "a", "a" before "a1").
	ByteOrder Order = iota
	// WireOrder keeps the order the fields were given in.
	WireOrder
	// ListOrder takes the fields named by Text.List, in that order, and no others:
	// what is not listed is not signed and must not be believed. A listed field
	// that is missing counts as empty.
	ListOrder
)

// NoSeparator is a Pair or Assign that is not there, since an empty one stands for
// the default. Without separators "1" before "23" and "12" before "3" are one text.
const NoSeparator = "\x00"

// SecretPlace is an entry of Text.List that stands for the secret, for gateways
// that hash it between two values; followed by a name, as in SecretPlace+"appsecret",
// for the secret under that name.
const SecretPlace = "\x00secret:"

// Text is a dialect of the canonical text of a message, as data. The zero value is
// the rule of the bank refund brief: empty values left out, names in byte order,
// "name=value" joined by "&", values raw.
//
// The text of a dialect with separators is not unique: memo="x&order=2" and
// memo="x" with order="2" give the same. Whoever verifies must build the text from
// the fields received and read no others; whoever signs can set Strict.
//
// Null, booleans and nested values have no place here: [JSONRule] says what text
// they become.
type Text struct {
	// Exclude names the fields left out, such as the signature itself. Defaults to none.
	Exclude []string
	// Empty is what becomes of empty values. Defaults to SkipEmpty.
	Empty EmptyRule
	// Order is that of the fields. Defaults to ByteOrder.
	Order Order
	// Pair stands between two fields. Defaults to "&"; NoSeparator for nothing.
	Pair string
	// Assign stands between name and value. Defaults to "="; NoSeparator for nothing.
	Assign string
	// Strict refuses a name or value that contains Pair or Assign, and a dialect
	// that has NoSeparator where one would be needed. It is for signing: a
	// verifier has to take what the other side signs. Defaults to false.
	Strict bool
	// List names the fields of ListOrder; required there, refused elsewhere.
	List []string
	// ValuesOnly leaves names and Assign out. Defaults to false.
	ValuesOnly bool
	// Trailing puts Pair behind the last field too. Defaults to false.
	Trailing bool
	// Escape is how each value is written; names are never escaped. Defaults to
	// EscapeNone.
	Escape Escape
	// Charset is what names and values, which are UTF-8 here, are signed in; they
	// are escaped after that. The affixes and the secret are written as they are.
	// Defaults to AsIs.
	Charset Charset
	// Prefix and Suffix stand before and behind all fields, and can hold the
	// secret. Default to nothing.
	Prefix, Suffix Affix
}
