"""The ciphers and curves of protocol/crypto.md from their papers, in plain Python.

Slow and not constant in time: good for checking vectors, never for secrets. Written from RFC 7748,
RFC 8032, RFC 8439 and the XSalsa20 and XChaCha20 papers, so that the vectors do not rest on
libsodium alone. BLAKE2b is hashlib's.
"""
import hashlib
import struct

MASK = 0xffffffff


def blake2b(size, key, data):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


# ---- ChaCha20, Salsa20 ---------------------------------------------------------------------------

def rotate(value, count):
    return (value << count | value >> 32 - count) & MASK


def words(data):
    return list(struct.unpack(f'<{len(data) // 4}I', data))


def bytes_of(values):
    return struct.pack(f'<{len(values)}I', *values)


def chacha_rounds(state):
    x = list(state)

    def quarter(a, b, c, d):
        x[a] = (x[a] + x[b]) & MASK; x[d] = rotate(x[d] ^ x[a], 16)
        x[c] = (x[c] + x[d]) & MASK; x[b] = rotate(x[b] ^ x[c], 12)
        x[a] = (x[a] + x[b]) & MASK; x[d] = rotate(x[d] ^ x[a], 8)
        x[c] = (x[c] + x[d]) & MASK; x[b] = rotate(x[b] ^ x[c], 7)

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return x


def salsa_rounds(state):
    x = list(state)

    def quarter(a, b, c, d):
        x[b] ^= rotate((x[a] + x[d]) & MASK, 7)
        x[c] ^= rotate((x[b] + x[a]) & MASK, 9)
        x[d] ^= rotate((x[c] + x[b]) & MASK, 13)
        x[a] ^= rotate((x[d] + x[c]) & MASK, 18)

    for _ in range(10):
        quarter(0, 4, 8, 12); quarter(5, 9, 13, 1); quarter(10, 14, 2, 6); quarter(15, 3, 7, 11)
        quarter(0, 1, 2, 3); quarter(5, 6, 7, 4); quarter(10, 11, 8, 9); quarter(15, 12, 13, 14)
    return x


SIGMA = words(b'expand 32-byte k')


def hchacha20(key, nonce16):
    x = chacha_rounds(SIGMA + words(key) + words(nonce16))
    return bytes_of(x[0:4] + x[12:16])


def chacha20(key, nonce12, counter, size):
    out = b''
    while len(out) < size:
        state = SIGMA + words(key) + [counter] + words(nonce12)
        out += bytes_of([(a + b) & MASK for a, b in zip(chacha_rounds(state), state)])
        counter += 1
    return out[:size]


def salsa_state(key, input16):
    k, n = words(key), words(input16)
    return [SIGMA[0], *k[:4], SIGMA[1], *n, SIGMA[2], *k[4:], SIGMA[3]]


def hsalsa20(key, nonce16):
    x = salsa_rounds(salsa_state(key, nonce16))
    return bytes_of([x[i] for i in (0, 5, 10, 15, 6, 7, 8, 9)])


def xsalsa20(key, nonce24, size):
    key, out, counter = hsalsa20(key, nonce24[:16]), b'', 0
    while len(out) < size:
        state = salsa_state(key, nonce24[16:] + struct.pack('<Q', counter))
        out += bytes_of([(a + b) & MASK for a, b in zip(salsa_rounds(state), state)])
        counter += 1
    return out[:size]


def poly1305(key, data):
    r = int.from_bytes(key[:16], 'little') & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    for i in range(0, len(data), 16):
        total = (total + int.from_bytes(data[i:i + 16] + b'\1', 'little')) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(key[16:], 'little')) & ((1 << 128) - 1)).to_bytes(16, 'little')


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def aead_tag(key, nonce12, aad, ciphertext):
    def padded(data):
        return data + bytes(-len(data) % 16)
    sizes = struct.pack('<QQ', len(aad), len(ciphertext))
    return poly1305(chacha20(key, nonce12, 0, 32), padded(aad) + padded(ciphertext) + sizes)


def aead_encrypt(key, nonce, aad, plaintext):
    """XChaCha20-Poly1305: ciphertext ‖ tag."""
    key, nonce = hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    ciphertext = xor(plaintext, chacha20(key, nonce, 1, len(plaintext)))
    return ciphertext + aead_tag(key, nonce, aad, ciphertext)


def aead_decrypt(key, nonce, aad, sealed):
    """The plaintext, or None."""
    ciphertext, tag = sealed[:-16], sealed[-16:]
    key, nonce = hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    if len(sealed) < 16 or aead_tag(key, nonce, aad, ciphertext) != tag:
        return None
    return xor(ciphertext, chacha20(key, nonce, 1, len(ciphertext)))


# ---- X25519, boxes -------------------------------------------------------------------------------

P = (1 << 255) - 19


def x25519(scalar, u):
    k = int.from_bytes(scalar, 'little') & ~7 & ((1 << 254) - 1) | 1 << 254
    x1 = int.from_bytes(u, 'little') & ((1 << 255) - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, 'little')


def x25519_public(secret):
    return x25519(secret, (9).to_bytes(32, 'little'))


def box(secret, public, nonce, plaintext):
    """crypto_box_easy: tag ‖ ciphertext."""
    key = hsalsa20(x25519(secret, public), bytes(16))
    stream = xsalsa20(key, nonce, 32 + len(plaintext))
    ciphertext = xor(plaintext, stream[32:])
    return poly1305(stream[:32], ciphertext) + ciphertext


def box_open(secret, public, nonce, sealed):
    key = hsalsa20(x25519(secret, public), bytes(16))
    stream = xsalsa20(key, nonce, 16 + len(sealed))
    if poly1305(stream[:32], sealed[16:]) != sealed[:16]:
        return None
    return xor(sealed[16:], stream[32:])


# ---- Ed25519 -------------------------------------------------------------------------------------

ORDER = (1 << 252) + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def recover_x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def add_points(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e, f = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    g, h = 2 * t1 * t2 * D, 2 * z1 * z2
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(point, scalar):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add_points(result, point)
        point = add_points(point, point)
        scalar >>= 1
    return result


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def compress(point):
    x, y, z, _ = point
    z = pow(z, P - 2, P)
    x, y = x * z % P, y * z % P
    return (y | (x & 1) << 255).to_bytes(32, 'little')


def decompress(data):
    y = int.from_bytes(data, 'little')
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


def expand(seed):
    h = hashlib.sha512(seed).digest()
    return int.from_bytes(h[:32], 'little') & ~7 & ((1 << 254) - 1) | 1 << 254, h[32:]


def challenge(*parts):
    return int.from_bytes(hashlib.sha512(b''.join(parts)).digest(), 'little') % ORDER


def ed25519_public(seed):
    return compress(multiply(BASE, expand(seed)[0]))


def ed25519_sign(seed, message):
    scalar, prefix = expand(seed)
    public = ed25519_public(seed)
    r = challenge(prefix, message)
    commitment = compress(multiply(BASE, r))
    s = (r + challenge(commitment, public, message) * scalar) % ORDER
    return commitment + s.to_bytes(32, 'little')


def ed25519_verify(public, message, signature):
    """As libsodium: canonical scalars and keys only, no key of small order."""
    point, s = decompress(public), int.from_bytes(signature[32:], 'little')
    if point is None or s >= ORDER or compress(multiply(point, 8)) == compress((0, 1, 1, 0)):
        return False
    k = challenge(signature[:32], public, message)
    negative = (P - point[0], point[1], 1, P - point[3])
    return compress(add_points(multiply(BASE, s), multiply(negative, k))) == signature[:32]
