/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sealed memfds promise: what was hashed can't be changed by anybody, so
 * an image verified while it was copied is the image that is used.
 */
#include "tests/platform/fact.h"

#include <fcntl.h>
#include <unistd.h>
#include <sys/mman.h>

int main(void)
{
	char path[64];
	int fd = memfd_create("fact", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	fact(fd >= 0 && write(fd, "hello", 5) == 5, "a memfd can be written");
	void *early =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	fact(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EBUSY,
	    "a memfd that is mapped writable can't be sealed against writing");
	munmap(early, 4096);
	fact(!fcntl(fd, F_ADD_SEALS,
		 F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
	    "without such a mapping it can");
	fact(pwrite(fd, "x", 1, 0) < 0 && errno == EPERM,
	    "a sealed memfd can't be written");
	fact(ftruncate(fd, 1) < 0 && ftruncate(fd, 9000) < 0 && errno == EPERM,
	    "nor shrunk nor grown");
	fact(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED,
	    "nor mapped for writing");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int again = open(path, O_RDWR | O_CLOEXEC);
	fact(again < 0 || (pwrite(again, "x", 1, 0) < 0 && errno == EPERM),
	    "nor written through another descriptor opened for writing");
	fact(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) < 0 && errno == EPERM,
	    "and its seals can't be changed");
	int only = open(path, O_RDONLY | O_CLOEXEC);
	fact(only >= 0 && (fcntl(only, F_GETFL) & O_ACCMODE) == O_RDONLY,
	    "it can be opened again read-only, as QEMU's fdset wants a disk");
	return 0;
}
