//! The way from outside to the API server: a socket that was opened in the machine's network and
//! handed to us, whose connections are carried on in the node's.

use std::{
    io::{self, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    thread,
};

/// Serves the socket from threads, for as long as the process lives.
pub(super) fn serve(listener: TcpListener, port: u16) {
    thread::spawn(move || {
        for outside in listener.incoming().filter_map(Result::ok) {
            thread::spawn(move || {
                // The API server may not be there yet; the client sees a closed connection.
                if let Ok(inside) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                    let _closed = carry(outside, inside);
                }
            });
        }
    });
}

/// Carries bytes both ways until both sides are done.
fn carry(outside: TcpStream, inside: TcpStream) -> io::Result<()> {
    let (from, to) = (outside.try_clone()?, inside.try_clone()?);
    let there = thread::spawn(move || one_way(from, to));
    one_way(inside, outside)?;
    there.join().unwrap_or(Ok(()))
}

fn one_way(mut from: TcpStream, mut to: TcpStream) -> io::Result<()> {
    let copied = io::copy(&mut from, &mut to).and_then(|_| to.flush());
    // The other side learns of the end of this one, and may still answer.
    let _gone = to.shutdown(Shutdown::Write);
    copied
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
        thread,
    };

    #[test]
    fn what_one_side_says_reaches_the_other_and_so_does_the_end() {
        let inside = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let outside = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = outside.local_addr().unwrap();
        super::serve(outside, inside.local_addr().unwrap().port());
        let server = thread::spawn(move || {
            let (mut stream, _) = inside.accept().unwrap();
            let mut question = String::new();
            stream.read_to_string(&mut question).unwrap();
            stream.write_all(format!("{question}!").as_bytes()).unwrap();
        });
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"anybody there").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "anybody there!");
        server.join().unwrap();
    }
}
