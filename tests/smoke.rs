use openclick::*;
#[test]
fn smoke() {
    let keys = KeyRing::generate();
    let r = Options::new("https://t.example.com", keys).unwrap().build().unwrap();
    let d = Delivery::new("m1");
    for f in std::fs::read_dir("../shared/corpus/html/postmark").unwrap().chain(std::fs::read_dir("../shared/corpus/html/cerberus").unwrap()) {
        let p = f.unwrap().path();
        let x = std::fs::read(&p).unwrap();
        let y = r.rewrite_html(&x, &d).unwrap();
        println!("{} {} {} {:?} {:?}", p.display(), y.report.links_tracked, y.report.links_total, y.report.links_left, y.report.pixels.iter().map(|p|(p.place,p.reason)).collect::<Vec<_>>());
        for n in [1usize, 7, 1000] {
            let mut w = r.html_writer(&d, Vec::new()).unwrap();
            for c in x.chunks(n) { std::io::Write::write_all(&mut w, c).unwrap(); if n < 1000 {std::io::Write::flush(&mut w).unwrap();} }
            let (o, rep) = w.finish().unwrap();
            assert!(o == y.bytes);
            assert_eq!(rep, y.report);
        }
        assert_eq!(r.rewrite_html(&y.bytes, &d).unwrap().bytes, y.bytes);
        let mut w = r.html_writer(&d, Vec::new()).unwrap();
        std::io::Write::write_all(&mut w, &y.bytes).unwrap();
        let (o, _) = w.finish().unwrap();
        assert!(o == y.bytes, "{}", String::from_utf8_lossy(&o));
        let back = r.restore_html(&y.bytes).unwrap();
        assert!(back.bytes == x);
    }
}
