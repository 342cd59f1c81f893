"""Certificates of an authority: no fingerprint is pinned, and a server with a wrong certificate hears nothing."""
import subprocess

from harness import Failed, World, main, test


class Authority:
    """One that signs for the day, as a real one would."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self._openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "1", "-subj", "/CN=An authority")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def signs(self, name, subject, days=1):
        """Flags for quired: a certificate for `subject`, with its key."""
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={subject}\n")
        self._openssl("req", "-newkey", "ed25519", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
            "-subj", "/CN=quired")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", f"{name}.pem", "-extfile", f"{name}.ext", "-days", str(days))
        return ["--cert", self.folder / f"{name}.pem", "--key", self.folder / f"{name}.key"]

    def trusted_by(self, device):
        device.environment["SSL_CERT_FILE"] = str(self.folder / "ca.pem")
        return device


def refused(device, why):
    """A sync that ends with the certificate, and says what to do; nothing of the person's is lost."""
    entry = device.write("kept here")
    try:
        device.sync()
    except Failed as failure:
        assert why in failure.err, failure.err
        assert "Nothing was sent" in failure.err and "--fingerprint" in failure.err, failure.err
    else:
        raise AssertionError("it talked to a server that no authority vouches for")
    assert device.show(entry) == "kept here"
    assert device.status()["unacknowledged"] > 0 or device.status()["unsealed"] > 0


def account(world, server):
    """One that pins nothing."""
    server.fingerprint = None
    return world.device("phone", server)


@test
def whom_an_authority_vouches_for_needs_no_fingerprint():
    with World() as world:
        authority = Authority(world.folder / "authority")
        server = world.server(*authority.signs("first", "IP:127.0.0.1"))
        phone = authority.trusted_by(account(world, server)).init()
        entry = phone.write("vouched for")
        phone.sync()
        server.stop()
        server.flags = authority.signs("renewed", "IP:127.0.0.1")
        server.start()
        server.fingerprint = None
        laptop = authority.trusted_by(world.device("laptop", server))
        laptop.join(phone)
        assert laptop.show(entry) == "vouched for"


@test
def a_certificate_for_another_name_is_refused():
    with World() as world:
        authority = Authority(world.folder / "authority")
        server = world.server(*authority.signs("other", "DNS:journal.example,IP:127.0.0.2"))
        refused(authority.trusted_by(account(world, server)).init(), "mismatch")


@test
def a_certificate_that_is_over_is_refused():
    with World() as world:
        authority = Authority(world.folder / "authority")
        flags = authority.signs("over", "IP:127.0.0.1", days=-1)
        refused(authority.trusted_by(account(world, world.server(*flags))).init(), "expired")


@test
def an_authority_that_nobody_knows_is_refused():
    with World() as world:
        authority = Authority(world.folder / "authority")
        server = world.server(*authority.signs("unknown", "IP:127.0.0.1"))
        phone = account(world, server)
        phone.environment["SSL_CERT_FILE"] = "/dev/null"
        refused(phone.init(), "issuer")


main()
