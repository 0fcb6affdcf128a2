/* An invitation carries the way to a network on Fabric: what DIR/network says, and the
 * certificates that it names, in one row of bytes (FORMAT.md). This file makes these bytes of a
 * directory, and a directory of them on another computer. It refuses bytes that are too long or
 * left over. */
#include "gateway/channel.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/id.h"

#define MAGIC "EMCH"
#define VERSION 3
#define RULE_MAJORITY 1 /* of the organisations that are named must endorse */
#define PEM_MAX ((size_t)32 << 10)
#define ADDRESS_MAX 255
#define HASH_BYTES 32

typedef struct carried {
	emr_bytes msp, channel, chaincode;
	size_t n_gateways, n_organisations;
	emr_bytes addresses[EMR_GATEWAY_ENDPOINTS_MAX], roots[EMR_GATEWAY_ENDPOINTS_MAX];
	emr_bytes msps[EMR_CHANNEL_ORGANISATIONS_MAX], cas[EMR_CHANNEL_ORGANISATIONS_MAX];
	bool has_authority;
	emr_bytes genesis; /* of no bytes: not known */
	emr_bytes ca_address, ca_root, ca_name, login;
} carried;

/* ---- Out of a directory ---- */

static void write_word(emr_writer *w, const char *text, size_t max)
{
	if (strlen(text) > max && w->status == EMR_OK)
		w->status = EMR_LIMIT;
	emr_write_u8(w, (uint8_t)strlen(text));
	emr_write_bytes(w, text, strlen(text));
}

static void write_pem(emr_writer *w, emr_bytes pem)
{
	if (pem.len > PEM_MAX && w->status == EMR_OK)
		w->status = EMR_LIMIT;
	emr_write_u16(w, (uint16_t)pem.len);
	emr_write_bytes(w, pem.data, pem.len);
}

static emr_status write_gateways(emr_writer *w, const emr_channel *channel)
{
	emr_status status = EMR_OK;

	emr_write_u8(w, (uint8_t)channel->n_gateways);
	for (size_t i = 0; i < channel->n_gateways && status == EMR_OK; i++) {
		EMR_AUTO_BUF pem = {0};

		status = emr_file_read(AT_FDCWD, channel->roots[i], PEM_MAX, &pem);
		write_word(w, channel->addresses[i], ADDRESS_MAX);
		write_pem(w, emr_buf_view(&pem));
	}
	return status;
}

static emr_status write_authority(emr_writer *w, const emr_channel *channel, const char *login)
{
	EMR_AUTO_BUF pem = {0};
	emr_status status = emr_file_read(AT_FDCWD, channel->ca_root, PEM_MAX, &pem);

	write_word(w, channel->ca_address, ADDRESS_MAX);
	write_pem(w, emr_buf_view(&pem));
	write_word(w, channel->ca_name != NULL ? channel->ca_name : "", EMR_GATEWAY_NAME_MAX);
	write_word(w, login, EMR_CHANNEL_LOGIN_MAX);
	return status;
}

emr_status emr_channel_carry(const char *dir, emr_buf *out, char *cause, size_t cause_size)
{
	return emr_channel_carry_for(dir, "", out, cause, cause_size);
}

emr_status emr_channel_carry_for(
	const char *dir, const char *login, emr_buf *out, char *cause, size_t cause_size)
{
	EMR_AUTO_CHANNEL channel = {0};
	emr_writer w = emr_writer_of(out);
	emr_status status;

	EMR_TRY(emr_channel_read(dir, &channel, cause, cause_size));
	emr_write_bytes(&w, MAGIC, 4);
	emr_write_u8(&w, VERSION);
	emr_write_u8(&w, RULE_MAJORITY);
	emr_write_u16(&w, 0);
	write_word(&w, channel.msp, EMR_GATEWAY_MSP_ID_MAX);
	write_word(&w, channel.channel, EMR_GATEWAY_NAME_MAX);
	write_word(&w, channel.chaincode, EMR_GATEWAY_NAME_MAX);
	status = write_gateways(&w, &channel);
	emr_write_u8(&w, (uint8_t)channel.n_organisations);
	for (size_t i = 0; i < 2 * channel.n_organisations; i += 2) {
		write_word(&w, channel.authorities[i], EMR_GATEWAY_MSP_ID_MAX);
		write_pem(&w, emr_bytes_of(channel.authorities[i + 1],
				      strlen(channel.authorities[i + 1])));
	}
	emr_write_u8(&w, channel.has_genesis ? sizeof channel.genesis : 0);
	if (channel.has_genesis)
		emr_write_bytes(&w, channel.genesis, sizeof channel.genesis);
	emr_write_u8(&w, channel.ca_address != NULL ? 1 : 0);
	if (status == EMR_OK && channel.ca_address != NULL)
		status = write_authority(&w, &channel, login);
	return status == EMR_OK ? w.status : status;
}

/* ---- Into a directory ---- */

/* True for text that may become a word of a line of DIR/network: nothing in it ends the word or the
 * line. */
static emr_bytes read_word_or_none(emr_reader *r, size_t max)
{
	emr_bytes word = emr_read_bytes(r, emr_read_u8(r));

	if (word.len > max)
		r->bad = true;
	for (size_t i = 0; i < word.len && !r->bad; i++)
		r->bad = word.data[i] <= ' ' || word.data[i] >= 0x7f;
	return word;
}

static emr_bytes read_word(emr_reader *r, size_t max)
{
	emr_bytes word = read_word_or_none(r, max);

	if (word.len == 0)
		r->bad = true;
	return word;
}

static emr_bytes read_pem(emr_reader *r)
{
	emr_bytes pem = emr_read_bytes(r, emr_read_u16(r));

	if (pem.len == 0 || pem.len > PEM_MAX || memchr(pem.data, '\0', pem.len) != NULL)
		r->bad = true;
	return pem;
}

/* The parts that a network may have or not. */
static void read_more(emr_reader *r, carried *out)
{
	uint8_t authorities;

	out->genesis = emr_read_bytes(r, emr_read_u8(r));
	authorities = emr_read_u8(r);
	if (authorities > 1 || (out->genesis.len != 0 && out->genesis.len != HASH_BYTES))
		r->bad = true;
	out->has_authority = authorities == 1;
	if (!out->has_authority)
		return;
	out->ca_address = read_word(r, ADDRESS_MAX);
	out->ca_root = read_pem(r);
	out->ca_name = read_word_or_none(r, EMR_GATEWAY_NAME_MAX);
	out->login = read_word_or_none(r, EMR_CHANNEL_LOGIN_MAX);
}

/* EMR_DAMAGED, EMR_NEWER_FORMAT. */
static emr_status read_carried(emr_bytes bytes, carried *out)
{
	emr_reader r = emr_reader_of(bytes);
	uint8_t rule, version;

	if (bytes.len > 4 && memcmp(bytes.data, MAGIC, 4) == 0 && bytes.data[4] > VERSION)
		return emr_newer_format(bytes.data[4], VERSION);
	emr_read_magic(&r, MAGIC);
	version = emr_read_u8(&r);
	rule = emr_read_u8(&r);
	emr_read_zeros(&r, 2);
	out->msp = read_word(&r, EMR_GATEWAY_MSP_ID_MAX);
	out->channel = read_word(&r, EMR_GATEWAY_NAME_MAX);
	out->chaincode = read_word(&r, EMR_GATEWAY_NAME_MAX);
	out->n_gateways = emr_read_u8(&r);
	if (out->n_gateways == 0 || out->n_gateways > EMR_GATEWAY_ENDPOINTS_MAX)
		return EMR_DAMAGED;
	for (size_t i = 0; i < out->n_gateways; i++) {
		out->addresses[i] = read_word(&r, ADDRESS_MAX);
		out->roots[i] = read_pem(&r);
	}
	out->n_organisations = emr_read_u8(&r);
	if (out->n_organisations == 0 || out->n_organisations > EMR_CHANNEL_ORGANISATIONS_MAX)
		return EMR_DAMAGED;
	for (size_t i = 0; i < out->n_organisations; i++) {
		out->msps[i] = read_word(&r, EMR_GATEWAY_MSP_ID_MAX);
		out->cas[i] = read_pem(&r);
	}
	read_more(&r, out);
	return emr_reader_done(&r) && rule == RULE_MAJORITY && version == VERSION ? EMR_OK
										  : EMR_DAMAGED;
}

bool emr_channel_carried_login(emr_bytes bytes, char out_login[EMR_CHANNEL_LOGIN_MAX + 1])
{
	carried c = {0};

	out_login[0] = '\0';
	if (read_carried(bytes, &c) != EMR_OK || !c.has_authority)
		return false;
	(void)snprintf(out_login, EMR_CHANNEL_LOGIN_MAX + 1, "%.*s", (int)c.login.len,
		(const char *)c.login.data);
	return true;
}

emr_status emr_channel_carried_gateway(emr_bytes bytes, char *out, size_t size)
{
	carried c = {0};

	EMR_TRY(read_carried(bytes, &c));
	(void)snprintf(
		out, size, "%.*s", (int)c.addresses[0].len, (const char *)c.addresses[0].data);
	return EMR_OK;
}

emr_status emr_channel_carried_check(emr_bytes bytes)
{
	carried c = {0};

	return read_carried(bytes, &c);
}

static emr_status add_text(emr_buf *out, const char *text)
{
	return emr_buf_append(out, text, strlen(text));
}

static emr_status add_line(emr_buf *out, const char *word, emr_bytes value, const char *file)
{
	EMR_TRY(add_text(out, word));
	EMR_TRY(add_text(out, " = "));
	EMR_TRY(emr_buf_append(out, value.data, value.len));
	if (file != NULL)
		EMR_TRY(add_text(out, " "));
	if (file != NULL)
		EMR_TRY(add_text(out, file));
	return add_text(out, "\n");
}

static emr_status add_authority(int dirfd, emr_buf *text, const carried *c)
{
	static const char file[] = "authority.pem";
	char line[2 * EMR_GATEWAY_NAME_MAX + sizeof file];
	emr_status status = emr_file_replace(dirfd, file, c->ca_root, 0600);

	(void)snprintf(line, sizeof line, "%s%s%.*s", file, c->ca_name.len > 0 ? " " : "",
		(int)c->ca_name.len, (const char *)c->ca_name.data);
	return status == EMR_OK ? add_line(text, "authority", c->ca_address, line) : status;
}

/* A line that names a file of its own, which has CONTENT. */
static emr_status add_with_file(int dirfd, emr_buf *text, const char *word, size_t number,
	emr_bytes value, emr_bytes content)
{
	char file[40];

	(void)snprintf(file, sizeof file, "%s-%zu.pem", word, number);
	EMR_TRY(emr_file_replace(dirfd, file, content, 0600));
	return add_line(text, word, value, file);
}

static emr_status add_genesis(emr_buf *text, emr_bytes hash)
{
	char hex[2 * HASH_BYTES + 1];

	emr_hex(hash.data, hash.len, hex);
	return add_line(text, "genesis", emr_bytes_of(hex, strlen(hex)), NULL);
}

emr_status emr_channel_settle_in(emr_bytes bytes, int dirfd)
{
	EMR_AUTO_BUF text = {0};
	carried c = {0};

	EMR_TRY(read_carried(bytes, &c));
	EMR_TRY(add_text(&text, "kind = fabric\n"));
	EMR_TRY(add_line(&text, "msp", c.msp, NULL));
	EMR_TRY(add_line(&text, "channel", c.channel, NULL));
	EMR_TRY(add_line(&text, "chaincode", c.chaincode, NULL));
	for (size_t i = 0; i < c.n_gateways; i++)
		EMR_TRY(add_with_file(dirfd, &text, "gateway", i + 1, c.addresses[i], c.roots[i]));
	for (size_t i = 0; i < c.n_organisations; i++)
		EMR_TRY(add_with_file(dirfd, &text, "organisation", i + 1, c.msps[i], c.cas[i]));
	if (c.genesis.len > 0)
		EMR_TRY(add_genesis(&text, c.genesis));
	if (c.has_authority)
		EMR_TRY(add_authority(dirfd, &text, &c));
	/* Last: what it names is there. */
	return emr_file_replace(dirfd, EMR_CHANNEL_SETTINGS, emr_buf_view(&text), 0600);
}
