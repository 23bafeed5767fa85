/*
 * A process of the jobs' user that wants the password. Each verb is one attack; what it came to is printed on standard
 * output, a line for each thing that it got or did not get. The exit code is 0 however that went.
 *
 *   connect SOCKET             connects by itself and asks
 *   sibling SOCKET PROGRAM...  connects, leaves the connection to a child and becomes the program
 *   trace PROGRAM...           traces the program from its first instruction
 *   attach PID                 traces, reads the memory and takes the descriptors of a process that runs
 *   race PROGRAM...            starts the program and tries to trace it and to take its descriptors for as long as it runs
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char question[] =
    "{\"run\":\"20260301T120000Z-9f86d081884c7d65\","
    "\"manifest\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
    "\"plan\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
    "\"cleared_until\":\"2099-01-01T00:00:00Z\"}\n";

static void tell(const char *what, long result) {
    if (result < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: done\n", what);
    fflush(stdout);
}

static int connected(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    int socket_ = socket(AF_UNIX, SOCK_STREAM, 0);
    int result = connect(socket_, (struct sockaddr *)&address, sizeof(address));
    tell("connect", result);
    return result < 0 ? -1 : socket_;
}

/* Asks, and prints all that comes. */
static void ask(int socket_) {
    ssize_t count = write(socket_, question, sizeof(question) - 1);
    tell("ask", count);
    char bytes[4096];
    while ((count = read(socket_, bytes, sizeof(bytes))) > 0)
        fwrite(bytes, 1, (size_t)count, stdout);
    tell("end", count);
}

/* The group that a process has. */
static void groups_of(pid_t pid) {
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof(line), status))
        if (!strncmp(line, "Gid:", 4))
            printf("traced %s", line);
    if (status)
        fclose(status);
    fflush(stdout);
}

static void steal(pid_t pid, int *taken) {
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    for (int number = 0; process >= 0 && number < 64; number++)
        if (syscall(SYS_pidfd_getfd, process, number, 0) >= 0)
            (*taken)++;
    if (process >= 0)
        close(process);
}

static int attach(pid_t pid) {
    int taken = 0;
    tell("seize", ptrace(PTRACE_SEIZE, pid, 0, 0));
    steal(pid, &taken);
    printf("descriptors: %d\n", taken);
    char path[64];
    const char *files[] = {"mem", "environ", "maps", "fd", "auxv"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
        tell(files[i], open(path, O_RDONLY));
    }
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
    errno = 0;
    ssize_t count = process_vm_readv(pid, &here, 1, &there, 1, 0);
    /* EFAULT would be leave to look elsewhere. */
    printf("memory: %s\n", count >= 0 ? "done" : strerror(errno));
    return 0;
}

int main(int count, char **words) {
    const char *verb = count > 2 ? words[1] : "";
    if (!strcmp(verb, "connect")) {
        int socket_ = connected(words[2]);
        if (socket_ >= 0)
            ask(socket_);
    } else if (!strcmp(verb, "sibling")) {
        int socket_ = connected(words[2]);
        if (socket_ < 0)
            return 0;
        if (fork() == 0) {
            ask(socket_);
            return 0;
        }
        execv(words[3], words + 3);
        tell("exec", -1);
    } else if (!strcmp(verb, "trace")) {
        pid_t child = fork();
        if (child == 0) {
            ptrace(PTRACE_TRACEME, 0, 0, 0);
            execv(words[2], words + 2);
            _exit(127);
        }
        int status, first = 1;
        while (waitpid(child, &status, 0) == child && !WIFEXITED(status) && !WIFSIGNALED(status)) {
            if (first)
                groups_of(child);
            int signal_ = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
            ptrace(PTRACE_CONT, child, 0, signal_);
            first = 0;
        }
        printf("exit: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    } else if (!strcmp(verb, "attach")) {
        return attach(atoi(words[2]));
    } else if (!strcmp(verb, "race")) {
        int ready[2], seized = 0, taken = 0, status;
        if (pipe2(ready, O_CLOEXEC))
            return 1;
        pid_t child = fork();
        if (child == 0) {
            execv(words[2], words + 2);
            _exit(127);
        }
        close(ready[1]);
        char byte;
        /* The program runs once the pipe ends: tracing it before would take the group from it. */
        if (read(ready[0], &byte, 1) != 0)
            return 1;
        while (waitpid(child, &status, WNOHANG) == 0) {
            if (ptrace(PTRACE_SEIZE, child, 0, 0) == 0)
                seized++;
            steal(child, &taken);
        }
        printf("exit: %d\nseized: %d\ndescriptors: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1, seized, taken);
    }
    return 0;
}
