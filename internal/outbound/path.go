package outbound

import "strconv"

// Index returns the path of element i of a list: "attributes[2]".
func Index(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
