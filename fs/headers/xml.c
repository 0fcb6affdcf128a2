/* This file reads XML (clinical documents) tag by tag. It refuses document types, so that a
 * document can neither define entities nor name other files, and the depth is bounded, because
 * documents come from anybody. */
#include "xml.h"

#include <string.h>

xml_reader xml_reader_of(emr_bytes bytes)
{
	return (xml_reader){.at = bytes.data, .left = bytes.len};
}

static bool skip(xml_reader *r, size_t n)
{
	if (n > r->left)
		return false;
	r->at += n;
	r->left -= n;
	return true;
}

static bool begins(const xml_reader *r, const char *with)
{
	size_t len = strlen(with);

	return r->left >= len && memcmp(r->at, with, len) == 0;
}

/* The bytes up to END, which is skipped; false when it does not come any more. */
static bool take_until(xml_reader *r, const char *end, emr_bytes *out)
{
	const uint8_t *found = r->left > 0 ? memmem(r->at, r->left, end, strlen(end)) : NULL;

	if (found == NULL)
		return false;
	*out = emr_bytes_of(r->at, (size_t)(found - r->at));
	return skip(r, out->len + strlen(end));
}

static bool is_name_byte(uint8_t c)
{
	return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == ':';
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Of a tag's inside; without the prefix. */
static emr_bytes local_name(emr_bytes inside)
{
	size_t len = 0, from = 0;

	while (len < inside.len && is_name_byte(inside.data[len])) {
		if (inside.data[len] == ':')
			from = len + 1;
		len++;
	}
	return emr_bytes_of(inside.data + from, len - from);
}

static bool push(xml_reader *r, emr_bytes name)
{
	size_t len = strlen(r->path);

	if (r->depth == XML_DEPTH_MAX || name.len == 0 || len + 1 + name.len > XML_PATH_MAX ||
		memchr(name.data, '.', name.len) != NULL)
		return false;
	r->ends[r->depth++] = (uint16_t)len;
	if (len > 0)
		r->path[len++] = '.';
	memcpy(r->path + len, name.data, name.len);
	r->path[len + name.len] = '\0';
	return true;
}

/* The end of a tag is the first '>' outside of quotes. */
static bool take_tag(xml_reader *r, emr_bytes *out_inside)
{
	uint8_t quote = 0;

	for (size_t i = 0; i < r->left; i++) {
		uint8_t c = r->at[i];

		if (quote != 0) {
			quote = c == quote ? 0 : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '>') {
			*out_inside = emr_bytes_of(r->at, i);
			return skip(r, i + 1);
		}
	}
	return false;
}

static bool open_tag(xml_reader *r, xml_token *out)
{
	emr_bytes inside, name;
	size_t name_end;

	if (!take_tag(r, &inside))
		return false;
	r->is_empty_open = inside.len > 0 && inside.data[inside.len - 1] == '/';
	if (r->is_empty_open)
		inside.len--;
	name = local_name(inside);
	if (!push(r, name))
		return false;
	name_end = (size_t)(name.data + name.len - inside.data);
	*out = (xml_token){.kind = XML_OPEN,
		.attributes = emr_bytes_of(inside.data + name_end, inside.len - name_end)};
	return true;
}

static bool close_element(xml_reader *r, xml_token *out)
{
	if (r->depth == 0)
		return false;
	r->must_pop = true;
	*out = (xml_token){.kind = XML_CLOSE};
	return true;
}

/* The end tag must name what is open. */
static bool close_tag(xml_reader *r, xml_token *out)
{
	const char *open = strrchr(r->path, '.');
	emr_bytes inside, name;

	if (!skip(r, 1) || !take_tag(r, &inside))
		return false;
	name = local_name(inside);
	open = open != NULL ? open + 1 : r->path;
	return name.len == strlen(open) && memcmp(name.data, open, name.len) == 0 &&
	       close_element(r, out);
}

/* False at the end, and at what is not read. */
static bool advance(xml_reader *r, xml_token *out)
{
	emr_bytes skipped;

	while (r->left > 0) {
		if (*r->at != '<') {
			const uint8_t *end = memchr(r->at, '<', r->left);
			size_t len = end != NULL ? (size_t)(end - r->at) : r->left;

			*out = (xml_token){.kind = XML_TEXT, .text = emr_bytes_of(r->at, len)};
			return skip(r, len);
		}
		if (begins(r, "<![CDATA[")) {
			*out = (xml_token){.kind = XML_TEXT, .is_literal = true};
			return skip(r, 9) && take_until(r, "]]>", &out->text);
		}
		if (begins(r, "<!--") || begins(r, "<?")) {
			if (!take_until(r, begins(r, "<?") ? "?>" : "-->", &skipped))
				return false;
			continue;
		}
		if (begins(r, "<!") || !skip(r, 1) || r->left == 0)
			return false;
		return *r->at == '/' ? close_tag(r, out) : open_tag(r, out);
	}
	return false;
}

void xml_next(xml_reader *r, xml_token *out)
{
	if (r->must_pop) {
		r->path[r->ends[--r->depth]] = '\0';
		r->must_pop = false;
	}
	if (r->is_empty_open) {
		r->is_empty_open = false;
		if (close_element(r, out))
			return;
	} else if (advance(r, out)) {
		return;
	}
	r->left = 0;
	*out = (xml_token){.kind = XML_END};
}

bool xml_attribute(const xml_token *token, const char *name, emr_bytes *out_value)
{
	const uint8_t *at = token->attributes.data;
	size_t left = token->attributes.len, len = strlen(name);

	while (left > 0) {
		size_t name_len = 0;
		const uint8_t *value, *end;

		if (is_space(*at)) {
			at++;
			left--;
			continue;
		}
		while (name_len < left && is_name_byte(at[name_len]))
			name_len++;
		if (name_len == 0 || left - name_len < 3 || at[name_len] != '=' ||
			(at[name_len + 1] != '"' && at[name_len + 1] != '\''))
			return false;
		value = at + name_len + 2;
		end = memchr(value, at[name_len + 1], left - name_len - 2);
		if (end == NULL)
			return false;
		if (name_len == len && memcmp(at, name, len) == 0) {
			*out_value = emr_bytes_of(value, (size_t)(end - value));
			return true;
		}
		left -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	return false;
}

/* "amp", "#233", "#xE9"; U+FFFD for what is none of them. */
static uint32_t entity_of(emr_bytes name)
{
	static const struct {
		const char *name;
		uint32_t c;
	} known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
	bool is_hex = name.len > 1 && name.data[1] == 'x';
	uint32_t c = 0;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (name.len == strlen(known[i].name) &&
			memcmp(name.data, known[i].name, name.len) == 0)
			return known[i].c;
	if (name.len < 2 || name.len > 9 || name.data[0] != '#')
		return 0xfffd;
	for (size_t i = is_hex ? 2 : 1; i < name.len; i++) {
		uint8_t d = name.data[i];
		uint32_t digit = d >= '0' && d <= '9'	? (uint32_t)(d - '0')
				 : d >= 'a' && d <= 'f' ? (uint32_t)(d - 'a' + 10)
				 : d >= 'A' && d <= 'F' ? (uint32_t)(d - 'A' + 10)
							: 99;

		if (digit >= (is_hex ? 16u : 10u) || c > 0x10ffff)
			return 0xfffd;
		c = c * (is_hex ? 16 : 10) + digit;
	}
	return c;
}

bool xml_put_text(text_sink *sink, emr_bytes raw, bool is_literal)
{
	while (raw.len > 0) {
		const uint8_t *amp = is_literal ? NULL : memchr(raw.data, '&', raw.len);
		size_t plain = amp != NULL ? (size_t)(amp - raw.data) : raw.len;
		const uint8_t *end;

		if (!text_put_utf8(sink, emr_bytes_of(raw.data, plain)))
			return false;
		raw = emr_bytes_of(raw.data + plain, raw.len - plain);
		if (raw.len == 0)
			return true;
		end = memchr(raw.data, ';', raw.len < 12 ? raw.len : 12);
		if (end == NULL)
			return false;
		text_put(sink, entity_of(emr_bytes_of(raw.data + 1, (size_t)(end - raw.data - 1))));
		raw = emr_bytes_of(end + 1, raw.len - (size_t)(end + 1 - raw.data));
	}
	return true;
}
