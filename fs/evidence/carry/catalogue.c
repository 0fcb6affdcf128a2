/* An exported file has a catalogue: for each record the entry of the ledger with its signature
 * and its place there. This file writes and reads it, and refuses an entry whose signature or
 * place does not fit. */
#include "carry/catalogue.h"

#include <string.h>

#include "base/codec.h"
#include "crypto/hashsig.h"
#include "crypto/merkle.h"

#define HEAD_BYTES 12
#define FIXED_BYTES (EMR_ITEM_BYTES + EMR_HEADER_BYTES + 4)
#define BATCH_PATH_MAX 10 /* a batch has at most 1,024 items */

/* ---- writing ---- */

static emr_status catalogue_begin(emr_buf *page)
{
	static const uint8_t head[HEAD_BYTES] = EMR_PAGE_MAGIC "\x02";

	return emr_buf_append(page, head, sizeof head);
}

uint32_t emr_page_count(emr_bytes page)
{
	return page.len < HEAD_BYTES ? 0 : emr_get_u32(page.data + 8);
}

void emr_page_set_count(emr_buf *page, uint32_t count)
{
	if (page->len >= HEAD_BYTES)
		emr_put_u32(page->data + 8, count);
}

emr_status emr_page_add(emr_buf *page, const emr_page_entry *entry)
{
	size_t need = FIXED_BYTES + entry->path.n * 32 + entry->priv.len;
	emr_writer w = emr_writer_of(page);
	uint32_t count;

	if (entry->item.len != EMR_ITEM_BYTES || entry->header.len != EMR_HEADER_BYTES ||
		entry->path.n > BATCH_PATH_MAX || need > EMR_PAGE_PLAIN_MAX - HEAD_BYTES)
		return EMR_INVALID;
	if (page->len == 0 && catalogue_begin(page) != EMR_OK)
		return EMR_NO_MEMORY;
	count = emr_get_u32(page->data + 8);
	if (count == EMR_PAGE_ENTRIES_MAX || page->len + need > EMR_PAGE_PLAIN_MAX)
		return EMR_LIMIT;
	if (emr_buf_reserve(page, need) != EMR_OK)
		return EMR_NO_MEMORY;
	emr_write_bytes(&w, entry->item.data, EMR_ITEM_BYTES);
	emr_write_bytes(&w, entry->header.data, EMR_HEADER_BYTES);
	emr_write_u16(&w, entry->index);
	emr_write_u8(&w, (uint8_t)entry->path.n);
	emr_write_u8(&w, 0);
	emr_write_bytes(&w, entry->path.hashes, entry->path.n * 32);
	emr_write_bytes(&w, entry->priv.data, entry->priv.len);
	emr_put_u32(page->data + 8, count + 1);
	return w.status;
}

/* ---- reading ---- */

static bool is_in_batch(
	emr_bytes item, uint16_t index, const emr_ledger_path *path, const emr_header *header)
{
	uint8_t leaf[32], signer_id[32];

	emr_merkle_leaf(item.data, item.len, leaf);
	emr_signer_id(header->signer_pk, signer_id);
	return memcmp(item.data + 80, signer_id, 32) == 0 &&
	       emr_merkle_inclusion_verify(
		       leaf, index, header->count, path->hashes, path->n, header->root);
}

static bool is_signed(emr_bytes bytes, const emr_header *header)
{
	uint8_t message[EMR_HEADER_MESSAGE_BYTES];

	emr_header_message(bytes.data, message);
	return emr_ed25519_verify(header->signer_pk, message, sizeof message, header->sig);
}

static emr_status read_entry(emr_reader *r, emr_page_fn fn, void *arg)
{
	emr_bytes item = emr_read_bytes(r, EMR_ITEM_BYTES),
		  header_bytes = emr_read_bytes(r, EMR_HEADER_BYTES);
	uint16_t index = emr_read_u16(r);
	emr_ledger_path path = {.n = emr_read_u8(r)};
	emr_page_item out;
	emr_header header;

	emr_read_zeros(r, 1);
	if (r->bad || path.n > BATCH_PATH_MAX)
		return EMR_DAMAGED;
	emr_read_copy(r, path.hashes, path.n * 32);
	if (emr_item_parse((emr_span){item.data, item.len}, &out.item) != EMR_CONTRACT_OK ||
		emr_op_pub_len(out.item.op) != 0)
		return EMR_DAMAGED;
	out.priv = emr_read_bytes(r, out.item.priv_len);
	if (r->bad ||
		emr_header_parse((emr_span){header_bytes.data, header_bytes.len}, &header) !=
			EMR_CONTRACT_OK ||
		!is_in_batch(item, index, &path, &header) ||
		!emr_item_has_part(&out.item, (emr_span){out.priv.data, out.priv.len}) ||
		!is_signed(header_bytes, &header))
		return EMR_DAMAGED;
	emr_item_id((emr_span){item.data, item.len}, out.item_id.b);
	out.signer_pk = header_bytes.data + 8;
	return fn(arg, &out);
}

emr_status emr_page_each(emr_bytes page, emr_page_fn fn, void *arg)
{
	emr_reader r = emr_reader_of(page);
	uint32_t count;
	uint8_t version;

	emr_read_magic(&r, EMR_PAGE_MAGIC);
	version = emr_read_u8(&r);
	if (!r.bad && version != 2)
		return version < 2 ? EMR_UNSUPPORTED : emr_newer_format(version, 2);
	emr_read_zeros(&r, 3);
	count = emr_read_u32(&r);
	if (r.bad || count == 0 || count > EMR_PAGE_ENTRIES_MAX || page.len > EMR_PAGE_PLAIN_MAX)
		return EMR_DAMAGED;
	for (uint32_t i = 0; i < count; i++)
		EMR_TRY(read_entry(&r, fn, arg));
	if (!emr_reader_done(&r))
		return EMR_DAMAGED;
	return EMR_OK;
}

/* ---- sealed ---- */

#define SEALED_VERSION 3
#define NONCE_BYTES 24
#define TAG_BYTES 16

static void context_of(const emr_page_folder *folder, uint8_t out[32])
{
	emr_capsule_ctx(folder->domain, folder->epoch, (emr_id16){{0}}, 0, EMR_CAPSULE_CATALOGUE,
		(emr_id32){{0}}, out);
}

static emr_status seal_key(const emr_keyring *kr, const emr_page_folder *folder,
	const emr_content_key *key, emr_writer *w)
{
	uint8_t ctx[32], capsule[EMR_CAPSULE_BYTES], wdek[EMR_WDEK_BYTES];
	emr_domain_public public;
	emr_status status =
		emr_keyring_domain_public(kr, folder->domain, 1, folder->epoch, &public);

	context_of(folder, ctx);
	if (status == EMR_OK)
		status = emr_content_key_wrap(kr, public.A, ctx, key, capsule, wdek);
	if (status != EMR_OK)
		return status;
	emr_write_bytes(w, folder->domain.b, sizeof folder->domain.b);
	emr_write_u32(w, folder->epoch);
	emr_write_bytes(w, capsule, sizeof capsule);
	emr_write_bytes(w, wdek, sizeof wdek);
	return w->status;
}

emr_status emr_page_seal(const emr_keyring *kr, const emr_page_folder *folders, size_t n,
	emr_bytes page, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	emr_content_key *key = NULL;
	uint8_t nonce[NONCE_BYTES];
	size_t begin = out->len, head;
	emr_status status = n == 0 || n > EMR_PAGE_FOLDERS_MAX || page.len > EMR_PAGE_PLAIN_MAX
				    ? EMR_INVALID
				    : emr_content_key_new(&key);

	emr_write_bytes(&w, EMR_PAGE_MAGIC, strlen(EMR_PAGE_MAGIC));
	emr_write_u32(&w, (uint32_t)SEALED_VERSION << 24);
	emr_write_u32(&w, (uint32_t)n);
	for (size_t i = 0; status == EMR_OK && i < n; i++)
		status = seal_key(kr, &folders[i], key, &w);
	head = out->len - begin;
	memcpy(nonce, emr_id32_random().b, sizeof nonce);
	emr_write_bytes(&w, nonce, sizeof nonce);
	status = status == EMR_OK ? w.status : status;
	if (status == EMR_OK)
		status = emr_buf_append_zeros(out, page.len + TAG_BYTES);
	if (status == EMR_OK)
		status = emr_content_key_manifest_seal(key, nonce,
			emr_bytes_of(out->data + begin, head), page,
			out->data + out->len - page.len - TAG_BYTES);
	emr_content_key_free(key);
	return status;
}

/* The key that one of the folders' keys opens; EMR_DENIED: none does. */
static emr_status open_key(
	const emr_keyring *kr, emr_reader *r, uint32_t n, emr_content_key **out_key)
{
	emr_status status = EMR_DENIED;

	for (uint32_t i = 0; i < n; i++) {
		uint8_t ctx[32], capsule[EMR_CAPSULE_BYTES], wdek[EMR_WDEK_BYTES];
		emr_page_folder folder;

		emr_read_copy(r, folder.domain.b, sizeof folder.domain.b);
		folder.epoch = emr_read_u32(r);
		emr_read_copy(r, capsule, sizeof capsule);
		emr_read_copy(r, wdek, sizeof wdek);
		if (r->bad)
			return EMR_DAMAGED;
		if (status != EMR_DENIED)
			continue;
		context_of(&folder, ctx);
		status = emr_content_key_unwrap(
			kr, folder.domain, folder.epoch, ctx, capsule, wdek, out_key);
		if (status != EMR_OK && status != EMR_NO_MEMORY)
			status = EMR_DENIED; /* somebody else's, or an epoch that never came */
	}
	return status;
}

emr_status emr_page_open(const emr_keyring *kr, emr_bytes sealed, emr_buf *out_page)
{
	emr_reader r = emr_reader_of(sealed);
	emr_content_key *key = NULL;
	uint8_t nonce[NONCE_BYTES], version;
	size_t before = out_page->len, head;
	emr_status status;
	uint32_t n;

	emr_read_magic(&r, EMR_PAGE_MAGIC);
	version = emr_read_u8(&r);
	if (!r.bad && version != SEALED_VERSION)
		return version < SEALED_VERSION ? EMR_UNSUPPORTED
						: emr_newer_format(version, SEALED_VERSION);
	emr_read_zeros(&r, 3);
	n = emr_read_u32(&r);
	if (r.bad || n == 0 || n > EMR_PAGE_FOLDERS_MAX || sealed.len > EMR_PAGE_BYTES_MAX)
		return EMR_DAMAGED;
	status = open_key(kr, &r, n, &key);
	head = sealed.len - r.left;
	emr_read_copy(&r, nonce, sizeof nonce);
	if (status == EMR_OK && (r.bad || r.left < TAG_BYTES))
		status = EMR_DAMAGED;
	if (status == EMR_OK)
		status = emr_buf_append_zeros(out_page, r.left - TAG_BYTES);
	if (status == EMR_OK)
		status = emr_content_key_manifest_open(key, nonce, emr_bytes_of(sealed.data, head),
			emr_read_bytes(&r, r.left), out_page->data + before);
	emr_content_key_free(key);
	if (status != EMR_OK)
		out_page->len = before;
	return status;
}
