package catalog_test

import (
	"context"
	"fmt"
	"log"
	"testing/fstest"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/catalog"
)

func ExampleParse() {
	packages, err := catalog.Parse([]byte(`
packages:
  - id: typescript_test
    name: TypeScript
    description: Types, generics and the event loop
    type: skills_test
  - id: 007
    name: Criminal record
    type: background_check
    tests:
      - {id: federal, name: Federal register}
`))
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range packages {
		fmt.Println(p.ID, p.Name, p.Type, len(p.Tests))
	}
	// Output:
	// typescript_test TypeScript skills_test 0
	// 007 Criminal record background_check 1
}

// A customer on Workday created the test by hand, with an id of Workday's.
func ExampleWrap() {
	mapped, err := catalog.New([]byte(`
packages:
  - {id: typescript_test, name: TypeScript, type: skills_test}
aliases:
  - {id: RECRUITING_ASSESSMENT_TEST-6-111, package: typescript_test, account: "4535"}
`))
	if err != nil {
		log.Fatal(err)
	}
	provider := catalog.Wrap(&inner{}, mapped) // give it to the intake in place of yours
	for _, account := range []string{"4535", "4536"} {
		_, err := provider.StartOrder(context.Background(), assessment.Order{
			Ref:     assessment.OrderRef{Vendor: assessment.StackOne, Account: account, ID: "1"},
			Package: assessment.Package{ID: "RECRUITING_ASSESSMENT_TEST-6-111"},
		})
		fmt.Println(account, err)
	}
	// Output:
	// 4535 <nil>
	// 4536 order rejected
}

// In a program, the file system is most often an embed.FS.
func ExampleLoad() {
	files := fstest.MapFS{"packages.yaml": {Data: []byte(`packages:
  - id: typescript_test
    nmae: TypeScript
    type: skill_test
`)}}
	_, err := catalog.Load(files, "packages.yaml")
	fmt.Println(err)
	// Output:
	// packages.yaml:2: package "typescript_test": missing name
	// packages.yaml:3: package "typescript_test": unknown field "nmae", did you mean "name"?
	// packages.yaml:4: package "typescript_test": unknown type "skill_test", did you mean "skills_test"?; the types are skills_test, behavioral, video_interview, background_check, reference_check
}
