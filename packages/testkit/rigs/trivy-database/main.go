// bolt-writer makes a bbolt file of what it reads: a JSON list of entries
//
//	{"buckets": ["outer", "inner"], "key": "k", "value": <any JSON>}
//
// on standard input, the file's path as its only argument. It knows nothing of
// what it stores: the content of Trivy's database is written in TypeScript.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

type entry struct {
	Buckets []string        `json:"buckets"`
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value"`
}

type parent interface {
	CreateBucketIfNotExists(name []byte) (*bbolt.Bucket, error)
}

func main() {
	if len(os.Args) != 2 {
		fail(errors.New("usage: bolt-writer FILE < entries.json"))
	}
	if os.Args[1] == "--version" {
		fmt.Println("bolt-writer 1")
		return
	}
	if err := write(os.Args[1]); err != nil {
		fail(err)
	}
}

func write(path string) error {
	var entries []entry
	if err := json.NewDecoder(os.Stdin).Decode(&entries); err != nil {
		return err
	}
	file, err := bbolt.Open(path, 0o644, nil)
	if err != nil {
		return err
	}
	err = file.Update(func(tx *bbolt.Tx) error {
		for _, one := range entries {
			if err := put(tx, one); err != nil {
				return fmt.Errorf("%v %s: %w", one.Buckets, one.Key, err)
			}
		}
		return nil
	})
	return errors.Join(err, file.Close())
}

func put(tx *bbolt.Tx, one entry) error {
	var at parent = tx
	var bucket *bbolt.Bucket
	for _, name := range one.Buckets {
		next, err := at.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		at, bucket = next, next
	}
	if bucket == nil {
		return errors.New("no bucket is named")
	}
	return bucket.Put([]byte(one.Key), one.Value)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
