/* This file signs as Fabric wants it, with the keyring's certificate key or with a key of an MSP
 * directory. It signs nothing that could be a message of another kind. */
#include "gateway/identity.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fields.h"
#include "proto.h"

#define FILE_MAX 65536
#define DER_SIGNATURE_MAX 80

struct emr_gateway_identity {
	const emr_keyring *keyring; /* or NULL */
	EVP_PKEY *key;		    /* of an MSP directory, else NULL */
	emr_buf creator;
};

static void certificate_free(X509 **certificate)
{
	X509_free(*certificate);
}
static void signature_free(ECDSA_SIG **signature)
{
	ECDSA_SIG_free(*signature);
}
static void context_free(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}
static void bio_free(BIO **bio)
{
	(void)BIO_free(*bio);
}
static void number_free(BIGNUM **number)
{
	BN_free(*number);
}
#define AUTO(kind, free_it) __attribute__((cleanup(free_it))) kind *

static emr_status out_of_memory(void)
{
	ERR_clear_error();
	return EMR_NO_MEMORY;
}

void emr_gateway_identity_free(emr_gateway_identity *identity)
{
	if (identity == NULL)
		return;
	EVP_PKEY_free(identity->key);
	emr_buf_free(&identity->creator);
	free(identity);
}

emr_bytes emr_gateway_identity_creator(const emr_gateway_identity *identity)
{
	return emr_buf_view(&identity->creator);
}

/* ---- Making one ---- */

static bool is_msp_id(const char *msp_id)
{
	return msp_id != NULL && msp_id[0] != '\0' && strlen(msp_id) <= EMR_GATEWAY_MSP_ID_MAX;
}

/* One certificate and nothing beside it: the chaincode takes no other form. */
static emr_status write_creator(const char *msp_id, X509 *certificate, emr_buf *out)
{
	AUTO(BIO, bio_free) bio = BIO_new(BIO_s_mem());
	proto_writer w = proto_writer_of(out);
	char *pem = NULL;
	long len;

	if (bio == NULL || PEM_write_bio_X509(bio, certificate) != 1)
		return out_of_memory();
	len = BIO_get_mem_data(bio, &pem);
	proto_put_text(&w, SERIALIZED_IDENTITY_MSPID, msp_id);
	proto_put_bytes(&w, SERIALIZED_IDENTITY_ID_BYTES, emr_bytes_of(pem, (size_t)len));
	return w.status;
}

static emr_status identity_new(const char *msp_id, X509 *certificate, emr_gateway_identity **out)
{
	emr_gateway_identity *identity = calloc(1, sizeof *identity);
	emr_status status;

	if (identity == NULL)
		return EMR_NO_MEMORY;
	status = write_creator(msp_id, certificate, &identity->creator);
	if (status != EMR_OK) {
		emr_gateway_identity_free(identity);
		return status;
	}
	*out = identity;
	return EMR_OK;
}

static bool is_of_keyring(X509 *certificate, const emr_keyring *keyring)
{
	uint8_t spki[EMR_P256_SPKI_BYTES], *at = spki;
	emr_public facts;
	X509_PUBKEY *key = X509_get_X509_PUBKEY(certificate);

	return emr_keyring_public(keyring, &facts) == EMR_OK &&
	       i2d_X509_PUBKEY(key, NULL) == (int)sizeof spki &&
	       i2d_X509_PUBKEY(key, &at) == (int)sizeof spki &&
	       memcmp(spki, facts.p256_spki, sizeof spki) == 0;
}

emr_status emr_gateway_identity_of_keyring(const emr_keyring *keyring, const char *msp_id,
	emr_bytes certificate, emr_gateway_identity **out_identity)
{
	const uint8_t *at = certificate.data;
	AUTO(X509, certificate_free) x509 = d2i_X509(NULL, &at, (long)certificate.len);
	emr_gateway_identity *identity = NULL;

	ERR_clear_error();
	if (!is_msp_id(msp_id) || x509 == NULL || at != certificate.data + certificate.len ||
		!is_of_keyring(x509, keyring))
		return EMR_INVALID;
	EMR_TRY(identity_new(msp_id, x509, &identity));
	identity->keyring = keyring;
	*out_identity = identity;
	return EMR_OK;
}

/* ---- From an MSP directory ---- */

static emr_status only_file(const char *dir, const char *below, char **out_path)
{
	EMR_AUTO_FREE char *at = NULL;
	char *path = NULL;
	struct dirent *entry;
	unsigned count = 0;
	DIR *list;

	if (asprintf(&at, "%s/%s", dir, below) < 0) {
		at = NULL;
		return EMR_NO_MEMORY;
	}
	list = opendir(at);
	if (list == NULL)
		return EMR_NOT_FOUND;
	while ((entry = readdir(list)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		free(path);
		if (asprintf(&path, "%s/%s", at, entry->d_name) < 0)
			path = NULL;
	}
	(void)closedir(list);
	if (count == 1 && path != NULL) {
		*out_path = path;
		return EMR_OK;
	}
	free(path);
	return count == 1 ? EMR_NO_MEMORY : EMR_NOT_FOUND;
}

static emr_status check_rights(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return EMR_IO;
	return (st.st_mode & 077) != 0 ? EMR_EXPOSED : EMR_OK;
}

static emr_status read_key(const char *dir, EVP_PKEY **out_key)
{
	EMR_AUTO_FREE char *path = NULL;
	emr_status status;

	FILE *file = NULL;
	int fd;

	EMR_TRY(only_file(dir, "keystore", &path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return EMR_IO;
	status = check_rights(fd);
	if (status == EMR_OK)
		file = fdopen(fd, "r");
	if (file == NULL) {
		(void)close(fd);
		return status == EMR_OK ? EMR_NO_MEMORY : status;
	}
	/* A key with a passphrase is none that a service can use: "" opens it only if it has none.
	 */
	(void)setvbuf(file, NULL, _IONBF, 0); /* no copy of the key in a buffer of stdio */
	*out_key = PEM_read_PrivateKey(file, NULL, NULL, (void *)(uintptr_t) "");
	(void)fclose(file);
	ERR_clear_error();
	return *out_key == NULL ? EMR_DAMAGED : EMR_OK;
}

/* The first certificate in the file, whatever stands around it. */
static emr_status read_certificate(const char *dir, X509 **out_certificate)
{
	EMR_AUTO_FREE char *path = NULL;
	EMR_AUTO_FREE uint8_t *pem = malloc(FILE_MAX + 1);
	AUTO(BIO, bio_free) bio = NULL;
	FILE *file;
	size_t n;

	EMR_TRY(only_file(dir, "signcerts", &path));
	if (pem == NULL)
		return EMR_NO_MEMORY;
	file = fopen(path, "re");
	if (file == NULL)
		return EMR_IO;
	n = fread(pem, 1, FILE_MAX + 1, file);
	(void)fclose(file);
	bio = n > FILE_MAX ? NULL : BIO_new_mem_buf(pem, (int)n);
	*out_certificate =
		bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, (void *)(uintptr_t) "");
	ERR_clear_error();
	return *out_certificate == NULL ? EMR_DAMAGED : EMR_OK;
}

static bool is_p256(const EVP_PKEY *key)
{
	char group[32];
	size_t len = 0;

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

static bool is_ed25519(const EVP_PKEY *key)
{
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
}

emr_status emr_gateway_identity_of_msp(
	const char *dir, const char *msp_id, emr_gateway_identity **out_identity)
{
	AUTO(X509, certificate_free) certificate = NULL;
	EVP_PKEY *key = NULL;
	emr_gateway_identity *identity = NULL;
	emr_status status = is_msp_id(msp_id) ? read_certificate(dir, &certificate) : EMR_INVALID;

	if (status == EMR_OK)
		status = read_key(dir, &key);
	if (status == EMR_OK && !is_p256(key) && !is_ed25519(key))
		status = EMR_UNSUPPORTED;
	if (status == EMR_OK && X509_check_private_key(certificate, key) != 1)
		status = EMR_INVALID;
	if (status == EMR_OK)
		status = identity_new(msp_id, certificate, &identity);
	ERR_clear_error();
	if (status != EMR_OK) {
		EVP_PKEY_free(key);
		return status;
	}
	identity->key = key;
	*out_identity = identity;
	return EMR_OK;
}

/* ---- Signing ---- */

/* s or n - s, whichever is not above n/2: Fabric takes no other. */
static bool make_low(const EVP_PKEY *key, ECDSA_SIG *signature)
{
	AUTO(BIGNUM, number_free) order = NULL;
	AUTO(BIGNUM, number_free) half = BN_new();
	BIGNUM *r = BN_dup(ECDSA_SIG_get0_r(signature));
	BIGNUM *s = BN_dup(ECDSA_SIG_get0_s(signature));
	bool is_fine = half != NULL && r != NULL && s != NULL &&
		       EVP_PKEY_get_bn_param(key, "order", &order) == 1 &&
		       BN_rshift1(half, order) == 1;

	if (is_fine && BN_cmp(s, half) > 0)
		is_fine = BN_sub(s, order, s) == 1;
	if (is_fine && ECDSA_SIG_set0(signature, r, s) == 1)
		return true;
	BN_free(r);
	BN_free(s);
	return false;
}

static emr_status append_der(const ECDSA_SIG *signature, emr_buf *out)
{
	uint8_t der[DER_SIGNATURE_MAX], *at = der;
	int len = i2d_ECDSA_SIG(signature, NULL);

	if (len <= 0 || len > (int)sizeof der || i2d_ECDSA_SIG(signature, &at) != len)
		return out_of_memory();
	return emr_buf_append(out, der, (size_t)len);
}

static emr_status sign_by_keyring(const emr_keyring *keyring, emr_bytes message, emr_buf *out)
{
	AUTO(ECDSA_SIG, signature_free) signature = ECDSA_SIG_new();
	uint8_t raw[64];
	BIGNUM *r, *s;

	EMR_TRY(emr_keyring_sign(keyring, emr_signer_certificate(), EMR_SIGN_FABRIC, message, raw));
	r = BN_bin2bn(raw, 32, NULL);
	s = BN_bin2bn(raw + 32, 32, NULL);
	if (signature == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(signature, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return out_of_memory();
	}
	return append_der(signature, out);
}

emr_status emr_gateway_identity_sign(
	const emr_gateway_identity *identity, emr_bytes message, emr_buf *out_signature)
{
	AUTO(EVP_MD_CTX, context_free) context = EVP_MD_CTX_new();
	AUTO(ECDSA_SIG, signature_free) signature = NULL;
	bool is_ec = identity->key != NULL && is_p256(identity->key);
	uint8_t bytes[DER_SIGNATURE_MAX];
	const uint8_t *at = bytes;
	size_t len = sizeof bytes;

	if (identity->keyring != NULL)
		return sign_by_keyring(identity->keyring, message, out_signature);
	if (context == NULL ||
		EVP_DigestSignInit(
			context, NULL, is_ec ? EVP_sha256() : NULL, NULL, identity->key) != 1 ||
		EVP_DigestSign(context, bytes, &len, message.data, message.len) != 1)
		return out_of_memory();
	if (!is_ec)
		return emr_buf_append(out_signature, bytes, len);
	signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
	if (signature == NULL || !make_low(identity->key, signature))
		return out_of_memory();
	return append_der(signature, out_signature);
}
