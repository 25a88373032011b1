// A registry in memory with the referrers API (go-containerregistry, pkg/registry): the second implementation that
// tests push to. `referrers-registry HOST:PORT`.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] == "--version" {
		fmt.Println("referrers-registry")
		return
	}
	handler := registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(os.Stderr, "", 0)))
	log.Fatal(http.ListenAndServe(os.Args[1], handler))
}
