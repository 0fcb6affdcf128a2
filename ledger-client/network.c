#include "ledger/network.h"

#include <errno.h>
#include <sys/vfs.h>

#include "base/codec.h"
#include "ledger/hash.h"

#define MAGIC "EMNW"
#define VERSION 1

static emr_bytes read_short(emr_reader *r)
{
	return emr_read_bytes(r, emr_read_u8(r));
}

static void read_org(emr_reader *r, emr_network_org *org)
{
	emr_read_copy(r, org->org.b, sizeof org->org.b);
	emr_read_copy(r, org->admin_pk, sizeof org->admin_pk);
	org->name = read_short(r);
	org->msp = read_short(r);
	org->ca_der = emr_read_bytes(r, emr_read_u16(r));
}

emr_status emr_network_parse(emr_bytes descriptor, emr_network *out_network)
{
	emr_reader r = emr_reader_of(descriptor);
	emr_network network = { 0 };
	uint8_t version;

	if (descriptor.len > EMR_NETWORK_DESCRIPTOR_MAX)
		return EMR_LIMIT;
	emr_read_magic(&r, MAGIC);
	version = emr_read_u8(&r);
	if (r.bad || version == 0)
		return EMR_DAMAGED;
	if (version > VERSION)
		return EMR_NEWER_FORMAT;
	network.n_orgs = emr_read_u8(&r);
	network.quorum = emr_read_u8(&r);
	emr_read_zeros(&r, 1);
	network.created = emr_read_u64(&r);
	emr_read_copy(&r, network.nonce.b, sizeof network.nonce.b);
	network.name = read_short(&r);
	if (network.n_orgs == 0 || network.quorum > network.n_orgs)
		return EMR_DAMAGED;
	if (network.n_orgs > EMR_NETWORK_ORGS_MAX)
		return EMR_LIMIT;
	for (size_t i = 0; i < network.n_orgs; i++)
		read_org(&r, &network.orgs[i]);
	if (!emr_reader_done(&r))
		return EMR_DAMAGED;
	*out_network = network;
	return EMR_OK;
}

static void write_short(emr_writer *w, emr_bytes bytes)
{
	emr_write_u8(w, (uint8_t)bytes.len);
	emr_write_bytes(w, bytes.data, bytes.len);
}

static bool fits(const emr_network *network)
{
	if (network->n_orgs == 0 || network->n_orgs > EMR_NETWORK_ORGS_MAX || network->name.len > UINT8_MAX ||
	    network->quorum > network->n_orgs)
		return false;
	for (size_t i = 0; i < network->n_orgs; i++) {
		const emr_network_org *org = &network->orgs[i];
		if (org->name.len > UINT8_MAX || org->msp.len > UINT8_MAX || org->ca_der.len > UINT16_MAX)
			return false;
	}
	return true;
}

emr_status emr_network_format(const emr_network *network, emr_buf *out_descriptor)
{
	emr_writer w = emr_writer_of(out_descriptor);

	if (!fits(network))
		return EMR_INVALID;
	emr_buf_clear(out_descriptor);
	emr_write_bytes(&w, MAGIC, 4);
	emr_write_u8(&w, VERSION);
	emr_write_u8(&w, (uint8_t)network->n_orgs);
	emr_write_u8(&w, network->quorum);
	emr_write_u8(&w, 0);
	emr_write_u64(&w, network->created);
	emr_write_bytes(&w, network->nonce.b, sizeof network->nonce.b);
	write_short(&w, network->name);
	for (size_t i = 0; i < network->n_orgs; i++) {
		const emr_network_org *org = &network->orgs[i];
		emr_write_bytes(&w, org->org.b, sizeof org->org.b);
		emr_write_bytes(&w, org->admin_pk, sizeof org->admin_pk);
		write_short(&w, org->name);
		write_short(&w, org->msp);
		emr_write_u16(&w, (uint16_t)org->ca_der.len);
		emr_write_bytes(&w, org->ca_der.data, org->ca_der.len);
	}
	return w.status;
}

emr_id16 emr_network_id(emr_bytes descriptor)
{
	static const char label[] = "emrfs/v1/net";	/* its NUL is part of it */
	emr_id32 digest = emr_sha256_of((emr_bytes[]){ emr_bytes_of(label, sizeof label), descriptor }, 2);
	emr_id16 id;

	memcpy(id.b, digest.b, sizeof id.b);
	return id;
}

/* f_type of file systems whose locks and shared memory SQLite's write-ahead log can rely on, statfs(2) and the kernel's
 * include/uapi/linux/magic.h.  An allow-list: an unknown file system may be a network. */
static const struct {
	uint32_t magic;
	const char *name;
} local_file_systems[] = {
	{ 0xef53, "ext2, ext3, ext4" }, { 0x58465342, "xfs" },	     { 0x9123683e, "btrfs" },
	{ 0x01021994, "tmpfs" },	{ 0xf2f52010, "f2fs" },	     { 0x2fc12fc1, "zfs" },
	{ 0x3153464a, "jfs" },		{ 0x52654973, "reiserfs" },  { 0x794c7630, "overlayfs" },
	{ 0xca451a4e, "bcachefs" },	{ 0xf15f, "ecryptfs" },	     { 0x3434, "nilfs2" },
	{ 0x24051905, "ubifs" },	{ 0x858458f6, "ramfs" },
};

emr_status emr_network_check_place(int dirfd)
{
	struct statfs where;

	if (fstatfs(dirfd, &where) != 0)
		return emr_status_from_errno(errno);
	for (size_t i = 0; i < sizeof local_file_systems / sizeof local_file_systems[0]; i++)
		if ((uint32_t)where.f_type == local_file_systems[i].magic)
			return EMR_OK;
	return EMR_UNSUPPORTED;
}
