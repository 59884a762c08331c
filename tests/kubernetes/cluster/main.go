// Command cluster runs an API server with its etcd on loopback until its standard input is closed,
// so that it ends with the process that started it, even if that is killed.
//
//	cluster FOLDER
//
// The programs etcd, kube-apiserver and controllers stand beside it. In FOLDER it keeps its data and writes
// `kubeconfig`, an administrator's; its path is printed once the server is ready. It removes FOLDER at
// its end.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// No machine takes this long to start the two.
const patience = 2 * time.Minute

// The programs that run, and the lock under which they start and end.
var (
	running = map[*exec.Cmd]bool{}
	lock    sync.Mutex
)

func main() {
	// The signal at a parent's death is sent when the thread ends that started the child.
	runtime.LockOSThread()
	folder := os.Args[1]
	commands := make(chan string)
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			commands <- lines.Text()
		}
		end(folder)
	}()
	// Ctrl-C and a time limit reach this process too.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-signals
		end(folder)
	}()
	// The reader of standard output may be gone while its input is still read to the end.
	signal.Ignore(syscall.SIGPIPE)
	if err := run(folder, commands); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// Ends the programs, removes the folder and ends this process, also while they are starting.
func end(folder string) {
	// Held to the end, so that nothing starts any more.
	lock.Lock()
	for command := range running {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
	if err := os.RemoveAll(folder); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
	}
	os.Exit(0)
}

func run(folder string, commands <-chan string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	programs := filepath.Dir(self)
	etcd, err := startEtcd(programs, folder)
	if err != nil {
		return err
	}
	kubeconfig, stopServer, err := startServer(programs, folder, etcd)
	if err != nil {
		return err
	}
	fmt.Println(kubeconfig)
	return serve(commands, stopServer, func() (func(), error) {
		return launchServer(programs, folder, etcd)
	}, func() error {
		// They end with this process.
		_, err := launch(folder, filepath.Join(programs, "controllers"), kubeconfig)
		return err
	})
}

// Follows the commands on standard input: `stop` and `start` the API server, and `controllers` to
// start the controllers that finish deletions.
func serve(
	commands <-chan string, stop func(), start func() (func(), error), controllers func() error,
) error {
	for command := range commands {
		switch command {
		case "stop":
			stop()
		case "start":
			started, err := start()
			if err != nil {
				return err
			}
			stop = started
		case "controllers":
			if err := controllers(); err != nil {
				return err
			}
		}
		fmt.Println("done")
	}
	return nil
}

func startEtcd(programs, folder string) (string, error) {
	client, peer := "http://"+freeAddress(), "http://"+freeAddress()
	_, err := launch(folder, filepath.Join(programs, "etcd"),
		"--data-dir", filepath.Join(folder, "etcd"),
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
		"--initial-cluster", "default="+peer,
		// Nothing here has to survive a power cut.
		"--unsafe-no-fsync", "--log-level", "error")
	return client, err
}

func startServer(programs, folder, etcd string) (string, func(), error) {
	if err := writeKey(filepath.Join(folder, "service-account.key")); err != nil {
		return "", nil, err
	}
	token := make([]byte, 16)
	if _, err := rand.Read(token); err != nil {
		return "", nil, err
	}
	admin := hex.EncodeToString(token)
	line := admin + ",admin,admin,system:masters\n"
	if err := os.WriteFile(filepath.Join(folder, "tokens.csv"), []byte(line), 0o600); err != nil {
		return "", nil, err
	}
	address := freeAddress()
	if err := os.WriteFile(filepath.Join(folder, "address"), []byte(address), 0o600); err != nil {
		return "", nil, err
	}
	stop, err := launchServer(programs, folder, etcd)
	if err != nil {
		return "", nil, err
	}
	kubeconfig := filepath.Join(folder, "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(config(address, admin)), 0o600); err != nil {
		return "", nil, err
	}
	return kubeconfig, stop, nil
}

func launchServer(programs, folder, etcd string) (func(), error) {
	key := filepath.Join(folder, "service-account.key")
	address, err := os.ReadFile(filepath.Join(folder, "address"))
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(string(address))
	if err != nil {
		return nil, err
	}
	stop, err := launch(folder, filepath.Join(programs, "kube-apiserver"),
		"--etcd-servers", etcd, "--bind-address", host, "--secure-port", port,
		"--cert-dir", filepath.Join(folder, "certificates"),
		"--token-auth-file", filepath.Join(folder, "tokens.csv"),
		"--service-account-key-file", key, "--service-account-signing-key-file", key,
		"--service-account-issuer", "https://cluster.test",
		"--service-cluster-ip-range", "10.0.0.0/24",
		"--authorization-mode", "RBAC",
		// It wants a controller that makes ServiceAccounts, and there is none.
		"--disable-admission-plugins", "ServiceAccount",
		"-v", "0")
	if err != nil {
		return nil, err
	}
	if err := await("https://" + string(address) + "/readyz"); err != nil {
		stop()
		return nil, fmt.Errorf("%w: see %s", err, filepath.Join(folder, "kube-apiserver.log"))
	}
	return stop, nil
}

// Starts a program whose output goes to a file of its name; the answer ends it.
func launch(folder, program string, arguments ...string) (func(), error) {
	log, err := os.Create(filepath.Join(folder, filepath.Base(program)+".log"))
	if err != nil {
		return nil, err
	}
	command := exec.Command(program, arguments...)
	command.Stdout, command.Stderr = log, log
	// Also when this process is killed.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	lock.Lock()
	defer lock.Unlock()
	if err := command.Start(); err != nil {
		return nil, err
	}
	running[command] = true
	return func() {
		lock.Lock()
		defer lock.Unlock()
		delete(running, command)
		_ = command.Process.Kill()
		_ = command.Wait()
	}, nil
}

func await(url string) error {
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if answer, err := client.Get(url); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%s did not become ready", url)
}

// An address that nobody listens on now.
func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer listener.Close()
	return listener.Addr().String()
}

func writeKey(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	bytes, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: bytes})
	return os.WriteFile(path, block, 0o600)
}

func config(address, token string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: admin}}]
clusters: [{name: test, cluster: {server: "https://%s", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: "%s"}}]
`, address, token)
}
