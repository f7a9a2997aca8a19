/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes the empty qcow2 image of overlay.h. Called by gw-runner before each
 * start of a guest; one thread.
 *
 * Theory of operation (QEMU docs/interop/qcow2.txt). Clusters of 64 KiB:
 *
 *	0  header and an empty list of header extensions
 *	1  refcount table: one entry, cluster 2
 *	2  refcount block: 16-bit counts, 1 for each cluster used here
 *	3  L1 table, all zero: every read goes to the backing disk
 *
 * One L1 entry maps 8192 clusters = 512 MiB, so that one cluster of L1 table
 * is enough for 4 TiB. All numbers on disk are big-endian.
 */
#include "guest-runner/overlay.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define CLUSTER_BITS  16
#define CLUSTER_SIZE  (UINT64_C(1) << CLUSTER_BITS)
#define CLUSTERS_USED 4
#define SECTOR_SIZE   512
/* A cluster of L2 table has CLUSTER_SIZE / 8 entries of a cluster each. */
#define L1_ENTRY_SPAN  (CLUSTER_SIZE / 8 * CLUSTER_SIZE)
#define L1_LEN_MAX     (CLUSTER_SIZE / 8)
#define QCOW_MAGIC     0x514649fbu /* "QFI\xfb" */
#define REFCOUNT_ORDER 4	   /* 1 << 4 = 16 bits */

/* Header of version 3, all big-endian. */
struct header {
	uint32_t magic, version;
	uint64_t backing_file_offset;
	uint32_t backing_file_size, cluster_bits;
	uint64_t size;
	uint32_t crypt_method, l1_size;
	uint64_t l1_table_offset, refcount_table_offset;
	uint32_t refcount_table_clusters, nb_snapshots;
	uint64_t snapshots_offset;
	uint64_t incompatible, compatible, autoclear;
	uint32_t refcount_order, header_length;
	/* Header extensions: type 0, length 0 ends the list. */
	uint32_t extension_type, extension_size;
};
_Static_assert(offsetof(struct header, size) == 24, "as in qcow2.txt");
_Static_assert(offsetof(struct header, refcount_order) == 96, "same");
_Static_assert(offsetof(struct header, extension_type) == 104, "same");

static int put(int fd, const void *bytes, size_t size, uint64_t offset)
{
	ssize_t n = pwrite(fd, bytes, size, (off_t)offset);

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

static int fill(int fd, uint64_t size)
{
	uint64_t l1_len = (size + L1_ENTRY_SPAN - 1) / L1_ENTRY_SPAN;
	struct header header = {
	    .magic = htobe32(QCOW_MAGIC),
	    .version = htobe32(3),
	    .cluster_bits = htobe32(CLUSTER_BITS),
	    .size = htobe64(size),
	    .l1_size = htobe32((uint32_t)l1_len),
	    .l1_table_offset = htobe64(3 * CLUSTER_SIZE),
	    .refcount_table_offset = htobe64(1 * CLUSTER_SIZE),
	    .refcount_table_clusters = htobe32(1),
	    .refcount_order = htobe32(REFCOUNT_ORDER),
	    .header_length = htobe32(offsetof(struct header, extension_type)),
	};
	uint64_t block = htobe64(2 * CLUSTER_SIZE);
	uint16_t counts[CLUSTERS_USED];
	int error;

	for (int i = 0; i < CLUSTERS_USED; i++)
		counts[i] = htobe16(1);
	if (ftruncate(fd, CLUSTERS_USED * CLUSTER_SIZE) != 0)
		return -errno;
	error = put(fd, &header, sizeof(header), 0);
	if (error == 0)
		error = put(fd, &block, sizeof(block), 1 * CLUSTER_SIZE);
	if (error == 0)
		error = put(fd, counts, sizeof(counts), 2 * CLUSTER_SIZE);
	return error;
}

int overlay_create(uint64_t size)
{
	int error, fd;

	if (size == 0 || size % SECTOR_SIZE != 0 ||
	    size > L1_LEN_MAX * L1_ENTRY_SPAN)
		return -EINVAL;
	fd = memfd_create("overlay", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = fill(fd, size);
	if (error != 0) {
		close(fd);
		return error;
	}
	return fd;
}
