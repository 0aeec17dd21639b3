// Echo servers on Go's libraries and nothing else, as in their own examples.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/gorilla/websocket"
	library "nhooyr.io/websocket"
)

func gorilla(response http.ResponseWriter, request *http.Request) {
	upgrader := websocket.Upgrader{}
	socket, err := upgrader.Upgrade(response, request, nil)
	if err != nil {
		return
	}
	defer socket.Close()
	for {
		kind, message, err := socket.ReadMessage()
		if err != nil {
			return
		}
		if err := socket.WriteMessage(kind, message); err != nil {
			return
		}
	}
}

func nhooyr(response http.ResponseWriter, request *http.Request) {
	options := library.AcceptOptions{CompressionMode: library.CompressionDisabled}
	socket, err := library.Accept(response, request, &options)
	if err != nil {
		return
	}
	defer socket.Close(library.StatusNormalClosure, "")
	for {
		kind, message, err := socket.Read(request.Context())
		if err != nil {
			return
		}
		if err := socket.Write(request.Context(), kind, message); err != nil {
			return
		}
	}
}

func main() {
	handlers := map[string]http.HandlerFunc{"gorilla": gorilla, "nhooyr": nhooyr}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"url\":\"ws://%s/\"}\n", listener.Addr())
	log.Fatal(http.Serve(listener, handlers[os.Args[1]]))
}
