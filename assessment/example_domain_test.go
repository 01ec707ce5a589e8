package assessment_test

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

func ExampleOrderRef() {
	// Store the text with the test that the candidate takes.
	ref := assessment.OrderRef{
		Vendor:  assessment.Kombo,
		Account: "workday:CBNMt7dSNCzBdnRTx87dev4E",
		ID:      "B5KQKhAgTv6ZwzrfAbqbhipd",
	}
	column := ref.String()
	fmt.Println(column)

	// Weeks later it is all that is needed to write the result.
	again, err := assessment.ParseOrderRef(column)
	fmt.Println(again == ref, err)
	// Output:
	// kombo///workday:CBNMt7dSNCzBdnRTx87dev4E/B5KQKhAgTv6ZwzrfAbqbhipd
	// true <nil>
}

func ExampleResult_Validate() {
	result := assessment.Result{
		Status:      assessment.StatusCompleted,
		Score:       assessment.ScoreOutOf(87.4, 100),
		ReportURL:   "reports/42",
		Attachments: []assessment.Attachment{{Name: "report.pdf", Data: []byte("%PDF-1.7")}},
	}
	var invalid *assessment.ValidationError
	if errors.As(result.Validate(), &invalid) {
		for _, p := range invalid.Problems {
			fmt.Printf("%s: %s\n", p.Path, p.Message)
		}
	}
	// Output:
	// report_url: must be an absolute http or https URL
	// attachments[0].content_type: required with data
}

func ExampleReject() {
	// What StartOrder returns when the customer has no credits left. The message
	// is for the recruiter; the error's own text never shows it.
	err := fmt.Errorf("billing: %w", assessment.Reject("Your account has no credits left."))
	fmt.Println(err)

	// Where the delivery was answered long ago, the same no is a result.
	var no *assessment.Rejection
	if errors.As(err, &no) {
		result := no.Result()
		fmt.Println(result.Status, "-", result.Reason)
	}
	// Output:
	// billing: order rejected
	// cancelled - Your account has no credits left.
}

func ExampleRetryable() {
	for _, err := range []error{
		&assessment.APIError{Vendor: assessment.Kombo, StatusCode: http.StatusTooManyRequests, RetryAfter: 30 * time.Second},
		&assessment.APIError{Vendor: assessment.Ashby, StatusCode: http.StatusServiceUnavailable},
		&assessment.APIError{Vendor: assessment.StackOne, StatusCode: http.StatusBadGateway, Uncertain: true},
		&assessment.ValidationError{Problems: []assessment.Problem{{Path: "status", Message: "required"}}},
	} {
		if after, ok := assessment.Retryable(err); ok {
			fmt.Printf("again, in %v at the earliest: %v\n", after, err)
		} else {
			fmt.Printf("for a human: %v\n", err)
		}
	}
	// Output:
	// again, in 30s at the earliest: kombo: 429 Too Many Requests
	// again, in 0s at the earliest: ashby: 503 Service Unavailable
	// for a human: stackone: 502 Bad Gateway (may have been applied)
	// for a human: invalid: status: required
}
