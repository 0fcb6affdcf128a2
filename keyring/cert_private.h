/* This is what making certificates (cert.c) and reading them (cert_read.c) share. Nobody outside
 * this folder includes it. */
#pragma once

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "keyring/cert.h"

/* Fabric's attribute extension (fabric pkg/cid, attrmgr). */
#define EMR_CERT_ATTRS_OID "1.2.3.4.5.6.7.8.1"
/* 9999-12-31T23:59:59Z, the last date of X.509. */
#define EMR_CERT_LAST_DATE UINT64_C(253402300799)
#define EMR_ROLES 13 /* bits of the ledger's roles in use */

/* For __attribute__((cleanup)). */
EMR_AUTO_CALL(emr_x509_free, X509 *, X509_free);
EMR_AUTO_CALL(emr_x509_ext_free, X509_EXTENSION *, X509_EXTENSION_free);
EMR_AUTO_CALL(emr_asn1_string_free, ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free);
EMR_AUTO_CALL(emr_asn1_object_free, ASN1_OBJECT *, ASN1_OBJECT_free);
EMR_AUTO_CALL(emr_bn_free, BIGNUM *, BN_free);
EMR_AUTO_CALL(emr_pkey_free, EVP_PKEY *, EVP_PKEY_free);

/* Returns the status after OpenSSL could not read something: EMR_DAMAGED, or EMR_NO_MEMORY when it
 * says that it only lacked memory. Empties its queue of errors. */
emr_status emr_cert_damaged(void);
/* 1..64 bytes of UTF-8 without control characters. */
/* A public key from our one SPKI encoding: EMR_DAMAGED when it is another or no point of the curve.
 */
emr_status emr_cert_key_of(emr_bytes spki, EVP_PKEY **out);
/* DER of at most EMR_CERT_MAX bytes, nothing after it: EMR_DAMAGED. */
emr_status emr_cert_parse(emr_bytes der, X509 **out);
/* The one common name of NAME: EMR_DAMAGED. */
emr_status emr_cert_read_handle(const X509_NAME *name, char out[EMR_CERT_HANDLE_MAX + 1]);
