// Package fourthvendor is an adapter for a vendor that this module does not know,
// written with its public packages only, as a module of your own would be: the
// partner's half of Greenhouse's assessment API
// (https://developers.greenhouse.io/assessment.html). Copy it and change what your
// vendor does otherwise.
//
// Greenhouse asks for the tests (list_tests), orders one (send_test), asks how it
// went (test_status) and complains (response_error). It gives an order no id: the
// intake mints one, which Greenhouse keeps as partner_interview_id. When a result
// is there, a PATCH to the callback URL of the order has Greenhouse ask again.
package fourthvendor
